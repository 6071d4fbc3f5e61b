WITH tickets AS (
    SELECT
        *,
        submitted_at::TIMESTAMP AS opened_at,
        submitted_at::TIMESTAMP + to_minutes(first_response_time_minutes) AS replied_at,
        -- `closed_at` is a date only; the hours say when. 36 tickets were solved before their
        -- first reply by these figures: a reply cannot come after the end.
        greatest(
            submitted_at::TIMESTAMP + to_hours(resolution_time_hours),
            submitted_at::TIMESTAMP + to_minutes(first_response_time_minutes)
        ) AS solved_at
    FROM read_csv('${source}/ravenstack_support_tickets.csv')
),
moments AS (
    SELECT *, 'case_opened' AS kind, opened_at AS occurred_at, NULL::DOUBLE AS score FROM tickets
    UNION ALL
    SELECT *, 'message_out', replied_at, NULL FROM tickets
    UNION ALL
    -- Nobody noted when it was escalated: by the end, it had been.
    SELECT *, 'case_escalated', solved_at, NULL FROM tickets WHERE escalation_flag
    UNION ALL
    SELECT *, 'case_solved', solved_at, NULL FROM tickets
    UNION ALL
    SELECT *, 'survey_answered', solved_at, satisfaction_score
    FROM tickets WHERE satisfaction_score IS NOT NULL
)
SELECT
    ticket_id || ' ' || kind AS interaction_id,
    account_id AS customer_id,
    occurred_at,
    kind,
    ticket_id AS case_id,
    CASE WHEN kind = 'case_opened' THEN priority END AS topic,
    NULL::DOUBLE AS value,
    NULL::DOUBLE AS seconds,
    CASE WHEN kind = 'message_out' THEN first_response_time_minutes * 60 END AS wait_seconds,
    score,
    CASE WHEN kind = 'survey_answered' THEN 'csat' END AS score_kind
FROM moments
UNION ALL
-- `usage_id` is not unique in the source (25,000 rows, 24,979 ids): with its subscription it is.
SELECT
    usage_id || ' ' || subscription_id,
    account_id,
    usage_date::TIMESTAMP,
    'usage',
    NULL,
    feature_name,
    usage_count,
    usage_duration_secs,
    NULL, NULL, NULL
FROM read_csv('${source}/ravenstack_feature_usage.csv') AS usage
JOIN read_csv('${source}/ravenstack_subscriptions.csv') AS subscription USING (subscription_id)
WHERE usage_count > 0
