"""What people read, in English and Korean: the catalogue of translations, and the names of what the data holds."""
