-- `stats` of each ticket, as it stands today (include=stats): times, so calendar time.
SELECT id AS case_id, claim.metric, 'calendar' AS hours, claim.value
FROM (
    SELECT id, unnest([
        {metric: 'first_reply_seconds', value: epoch(stats.first_responded_at) - epoch(created_at)},
        {metric: 'resolution_seconds', value: epoch(stats.resolved_at) - epoch(created_at)}
    ]) AS claim
    FROM freshdesk_tickets
)
WHERE claim.value IS NOT NULL
