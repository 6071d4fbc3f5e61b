"""Warmline."""
