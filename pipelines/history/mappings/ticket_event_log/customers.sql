-- The log names no customers of its own: each begins with the first event that mentions it.
SELECT
    customer AS customer_id,
    min("Complete Timestamp") AS joined_at
FROM read_csv('${source}/*.csv*', header = true)
GROUP BY customer
