SELECT
    id AS contact_id,
    company AS customer_id,
    nullif(concat_ws(' ', properties->>'firstname', properties->>'lastname'), '') AS name,
    properties->>'email' AS email,
    coalesce(properties->>'phone', properties->>'mobilephone') AS phone,
    properties->>'jobtitle' AS role,
    version AS updated_at,
    deleted_at,
    'hubspot' AS source
FROM hs_contacts SEMI JOIN hs_customers ON hs_customers.id = company
