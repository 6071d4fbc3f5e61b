"""The store of what happened: schema, ingest, parts on disk, and how they are read."""
