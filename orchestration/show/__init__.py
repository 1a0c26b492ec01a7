"""What is published, for people at a terminal."""
