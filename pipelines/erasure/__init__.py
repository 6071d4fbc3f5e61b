"""Erasure: one person out of every file of the home, with a proof that names nobody."""
