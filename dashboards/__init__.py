"""The boards: what is published, to be looked at. Read-only over `marts.duckdb`; a board is one HTML file."""
