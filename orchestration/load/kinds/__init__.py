"""The kinds of file that are read. What a file is, its content decides, not its name."""
