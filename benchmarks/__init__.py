"""Speed and quality, each a command that prints a table and ends with one JSON line."""
