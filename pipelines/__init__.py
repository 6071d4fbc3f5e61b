"""What data becomes: history, features, labels, the trained model, the nightly batch."""
