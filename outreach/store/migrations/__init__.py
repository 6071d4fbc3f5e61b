"""How the store's schema came to be: one step a file in `versions/`, run by Alembic."""
