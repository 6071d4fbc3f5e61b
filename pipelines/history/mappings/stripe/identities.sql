-- So that `POST /score/one?system=stripe` finds the customer.
SELECT 'stripe' AS system, id AS external_id, id AS customer_id
FROM stripe_objects
WHERE what = 'customer' AND (object->>'deleted') IS DISTINCT FROM 'true'
