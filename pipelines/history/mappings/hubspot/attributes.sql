-- What a property was, from when it was set. Names, numbers and addresses are personal.
SELECT
    hs_changes.id AS customer_id,
    property AS name,
    value,
    changed_at AS valid_from,
    changed_at AS recorded_at,
    changed_at AS updated_at,
    'hubspot' AS source
FROM hs_changes SEMI JOIN hs_customers ON hs_customers.id = hs_changes.id
WHERE what = 'companies' AND changed_at IS NOT NULL AND property NOT IN (
    'name', 'domain', 'website', 'phone', 'address', 'address2', 'city', 'zip', 'description',
    'hs_object_id', 'hs_lastmodifieddate', 'createdate'
)
QUALIFY row_number() OVER (
    PARTITION BY hs_changes.id, property, changed_at ORDER BY place DESC) = 1
