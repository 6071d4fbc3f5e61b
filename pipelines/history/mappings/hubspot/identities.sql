-- Companies and contacts are numbered apart, so a contact's id is of another system. The ids of
-- merged companies lead to the one that remains, and so does what came in before the merge.
WITH merged AS (
    SELECT id, version,
        unnest(string_split(properties->>'hs_merged_object_ids', ';')) AS gone
    FROM hs_customers WHERE (properties->>'hs_merged_object_ids') <> ''
)
SELECT 'hubspot' AS system, id AS external_id, id AS customer_id, NULL AS merged_into,
    version AS updated_at
FROM hs_customers
UNION ALL
SELECT 'hubspot', gone, id, NULL, version FROM merged
UNION ALL
SELECT 'hubspot merge', gone, gone, id, version FROM merged
UNION ALL
SELECT 'hubspot_contact', hs_contacts.id, company, NULL, hs_contacts.version
FROM hs_contacts SEMI JOIN hs_customers ON hs_customers.id = company
WHERE hs_contacts.deleted_at IS NULL
