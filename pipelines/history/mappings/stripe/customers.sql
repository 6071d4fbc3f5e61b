-- `delinquent`, `balance` and `metadata` are today's and have no date: they stay where they are.
-- A deleted customer keeps an id and nothing else, not even the day (left_out.sql counts them).
SELECT
    id AS customer_id,
    to_timestamp(created) AS joined_at,
    object->>'name' AS name,
    object->>'email' AS email,
    object->>'phone' AS phone,
    object->>'$.address.country' AS region,
    object->>'$.preferred_locales[0]' AS locale,
    'stripe' AS source
FROM stripe_objects
WHERE what = 'customer' AND (object->>'deleted') IS DISTINCT FROM 'true'
