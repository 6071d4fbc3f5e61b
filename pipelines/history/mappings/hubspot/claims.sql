-- A ticket's own sums as of today, in milliseconds by the clock.
WITH sums AS (
    SELECT id, unnest([
        {metric: 'resolution_seconds', milliseconds: properties->>'time_to_close'},
        {metric: 'first_reply_seconds', milliseconds: properties->>'time_to_first_agent_reply'}
    ]) AS told
    FROM hs_tickets SEMI JOIN hs_customers ON hs_customers.id = company
    WHERE deleted_at IS NULL
)
SELECT id AS case_id, told.metric, try_cast(told.milliseconds AS DOUBLE) / 1000 AS value,
    'calendar' AS hours
FROM sums WHERE value IS NOT NULL
