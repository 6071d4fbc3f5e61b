-- `statistics` of each conversation, as it stands today: seconds. Durations leave out the time
-- outside office hours; the times themselves are calendar time.
SELECT id AS case_id, claim.metric, claim.hours, claim.value
FROM (
    SELECT id, unnest([
        {metric: 'first_reply_seconds', hours: 'calendar', value:
            (statistics.first_admin_reply_at - statistics.first_contact_reply_at)::DOUBLE},
        {metric: 'first_reply_seconds', hours: 'business', value: statistics.time_to_admin_reply},
        {metric: 'resolution_seconds', hours: 'calendar', value:
            (statistics.last_close_at - created_at)::DOUBLE},
        {metric: 'resolution_seconds', hours: 'business', value: statistics.time_to_last_close},
        {metric: 'reopens', hours: 'calendar', value: statistics.count_reopens::DOUBLE}
    ]) AS claim
    FROM intercom_conversations
)
WHERE claim.value IS NOT NULL
