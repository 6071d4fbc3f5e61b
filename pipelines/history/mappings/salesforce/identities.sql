-- Ids of 18 characters, the same without the three that check it, and those of an account's people.
-- Of merged accounts one remains and has what the others had: their ids lead to it, and so does
-- what came in before the merge.
SELECT 'salesforce' AS system, id AS external_id, coalesce(merged_into, id) AS customer_id,
    NULL AS merged_into, version AS updated_at
FROM sf_accounts
UNION ALL
SELECT 'salesforce', left(id, 15), coalesce(merged_into, id), NULL, version
FROM sf_accounts WHERE length(id) = 18
UNION ALL
SELECT 'salesforce merge', id, id, merged_into, version
FROM sf_accounts WHERE merged_into IS NOT NULL
UNION ALL
SELECT 'salesforce', id, account, NULL, version
FROM sf_contacts WHERE account IS NOT NULL AND NOT deleted
