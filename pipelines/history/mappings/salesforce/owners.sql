SELECT
    id AS owner_id,
    coalesce(line->>'Name', concat_ws(' ', line->>'FirstName', line->>'LastName')) AS name,
    line->>'Email' AS email,
    line->>'Department' AS team,
    is_yes(line->>'IsActive') AS active,
    version AS updated_at,
    'salesforce' AS source
FROM sf_users SEMI JOIN sf_accounts ON (sf_accounts.line->>'OwnerId') = sf_users.id
