-- Reporting events carry durations in seconds, by the clock and in business hours. The last
-- resolution counts.
SELECT conversation_id AS case_id, claim.metric, claim.hours, claim.value
FROM (
    SELECT conversation_id, unnest([
        {metric: told.metric, hours: 'calendar', value: told.value},
        {metric: told.metric, hours: 'business', value: told.value_in_business_hours}
    ]) AS claim
    FROM (
        SELECT *, CASE name WHEN 'first_response' THEN 'first_reply_seconds'
            ELSE 'resolution_seconds' END AS metric
        FROM chatwoot_reporting WHERE name IN ('first_response', 'conversation_resolved')
        QUALIFY row_number() OVER (
            PARTITION BY conversation_id, name ORDER BY event_end_time DESC) = 1
    ) AS told
)
WHERE claim.value IS NOT NULL
