-- What a field was, from when it was changed. What it was before its first change is not told.
WITH changes AS (
    SELECT sf_changes.*, sf_accounts.id AS account, field AS name
    FROM sf_changes JOIN sf_accounts ON sf_accounts.id = parent
    WHERE object = 'Account'
    UNION ALL BY NAME
    SELECT sf_changes.*, account, 'Opportunity.' || field AS name
    FROM sf_changes JOIN sf_opportunities ON sf_opportunities.id = parent
    WHERE object = 'Opportunity' AND account IS NOT NULL
)
SELECT
    account AS customer_id,
    name,
    new AS value,
    changed_at AS valid_from,
    changed_at AS recorded_at,
    changed_at AS updated_at,
    CASE WHEN deleted THEN changed_at END AS deleted_at,
    'salesforce' AS source
FROM changes
WHERE NOT regexp_matches(field, '^(created|locked|unlocked|accountMerged|ownerA.*|opportunity.*)$')
    -- Names, numbers and addresses are personal.
    AND NOT regexp_matches(field, '^(Name|Phone|Fax|Website|.*(Street|Address|PostalCode|City))$')
-- Two opportunities changed in one second: the later one of the export.
QUALIFY row_number() OVER (PARTITION BY account, name, changed_at ORDER BY id DESC) = 1
