-- Stage, employees, revenue, `num_...` and `hs_...` are today's: what they were comes from their
-- history (attributes.sql). Industry and country count from when they are first seen.
SELECT
    id AS customer_id,
    joined_at,
    properties->>'hs_parent_company_id' AS parent_id,
    properties->>'industry' AS segment,
    properties->>'country' AS region,
    properties->>'hubspot_owner_id' AS owner_id,
    properties->>'name' AS name,
    properties->>'phone' AS phone,
    version AS updated_at,
    deleted_at,
    'hubspot' AS source
FROM hs_customers
