SELECT
    id AS contact_id,
    account AS customer_id,
    coalesce(line->>'Name', concat_ws(' ', line->>'FirstName', line->>'LastName')) AS name,
    line->>'Email' AS email,
    coalesce(line->>'Phone', line->>'MobilePhone') AS phone,
    line->>'Title' AS role,
    version AS updated_at,
    CASE WHEN deleted THEN version END AS deleted_at,
    'salesforce' AS source
FROM sf_contacts WHERE account IS NOT NULL
