"""What is known: contracts, the churn model, evaluation, explanation and the model bundle."""
