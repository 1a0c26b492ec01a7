"""The warehouse folder: its paths, its lock, how its files are opened and how text becomes SQL."""
