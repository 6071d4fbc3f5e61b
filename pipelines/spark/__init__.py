"""The same walk on Spark: buckets are read and computed in its tasks, by the very same kernel."""
