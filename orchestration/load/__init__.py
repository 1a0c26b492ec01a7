"""From landed files to schema raw."""
