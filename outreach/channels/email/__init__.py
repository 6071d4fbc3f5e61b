"""E-mail: how it is written, and how it is handed to an SMTP server."""
