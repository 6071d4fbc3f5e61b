"""Decide who is written to, who is referred and who is left alone; say why; keep a record."""
