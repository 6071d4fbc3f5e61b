-- `metric_set` of each ticket, as it stands today: minutes, by the calendar and in business hours.
-- From ticket_metrics*.json, or sideloaded into the tickets (include=metric_sets).
WITH metrics AS (
    SELECT from_json(unnest(items(json, '$.ticket_metrics')), '{
        "ticket_id": "BIGINT", "updated_at": "TIMESTAMPTZ", "reopens": "BIGINT",
        "replies": "BIGINT",
        "reply_time_in_minutes": {"calendar": "DOUBLE", "business": "DOUBLE"},
        "full_resolution_time_in_minutes": {"calendar": "DOUBLE", "business": "DOUBLE"},
        "requester_wait_time_in_minutes": {"calendar": "DOUBLE", "business": "DOUBLE"}}') AS metric
    FROM (
        SELECT json FROM read_json_objects(
            '${source}/ticket_metrics*.json*', maximum_object_size = 67108864)
        UNION ALL
        SELECT metric_set FROM zendesk_tickets WHERE json_type(metric_set) = 'OBJECT'
    )
),
newest AS (
    SELECT metric.* FROM metrics
    WHERE metric.ticket_id IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY metric.ticket_id ORDER BY metric.updated_at DESC NULLS LAST) = 1
),
told AS (
    SELECT ticket_id, unnest([
        {metric: 'first_reply_seconds', hours: 'calendar',
            value: reply_time_in_minutes.calendar * 60},
        {metric: 'first_reply_seconds', hours: 'business',
            value: reply_time_in_minutes.business * 60},
        {metric: 'resolution_seconds', hours: 'calendar',
            value: full_resolution_time_in_minutes.calendar * 60},
        {metric: 'resolution_seconds', hours: 'business',
            value: full_resolution_time_in_minutes.business * 60},
        {metric: 'requester_wait_seconds', hours: 'calendar',
            value: requester_wait_time_in_minutes.calendar * 60},
        {metric: 'requester_wait_seconds', hours: 'business',
            value: requester_wait_time_in_minutes.business * 60},
        {metric: 'replies', hours: 'calendar', value: replies::DOUBLE},
        {metric: 'reopens', hours: 'calendar', value: reopens::DOUBLE}
    ]) AS claim
    FROM newest
)
SELECT ticket_id AS case_id, claim.metric, claim.hours, claim.value
FROM told WHERE claim.value IS NOT NULL
