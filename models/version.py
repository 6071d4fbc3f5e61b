"""Which code this is. What is installed takes its version from here, and a Bento has no other."""

VERSION = "0.1.0"
