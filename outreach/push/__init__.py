"""What a CRM is told of scores and of work, and what of it the CRM has taken."""
