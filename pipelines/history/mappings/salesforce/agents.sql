-- Customers who sign in to a portal are users too, but no agents.
SELECT
    id AS agent_id,
    line->>'Department' AS team,
    coalesce(type IN ('AutomatedProcess', 'CloudIntegrationUser'), false) AS is_bot,
    as_time(line->>'CreatedDate') AS started_at,
    version AS updated_at,
    'salesforce' AS source
FROM sf_users
WHERE coalesce(type IN ('Standard', 'AutomatedProcess', 'CloudIntegrationUser'), true)
