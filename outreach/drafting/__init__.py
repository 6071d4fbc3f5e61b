"""Drafts: the first words of a check-in, in the customer's language, from the customer's facts."""
