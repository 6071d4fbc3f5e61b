"""Outreach's own record: a database that people and senders share, changed by verbs that audit."""
