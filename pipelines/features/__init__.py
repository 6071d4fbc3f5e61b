"""Features: streams declared once, dated case facts, and the one compiled pass over history."""
