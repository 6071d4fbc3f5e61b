"""What comes back: answers, bounces, complaints and unsubscribes, by mail and by webhook."""
