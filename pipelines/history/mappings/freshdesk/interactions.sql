-- Tickets and conversations tell who wrote when; what became of a ticket only the export of
-- activities tells. `status`, `priority`, `responder_id` and `stats` of a ticket are today's and
-- never become a row.
WITH channels (source, channel) AS (
    VALUES (1, 'email'), (2, 'web'), (3, 'phone'), (5, 'social'), (6, 'social'), (7, 'chat'),
        (8, 'app'), (9, 'web'), (10, 'email'), (13, 'chat')
),
-- Seven faces, of which an account uses two to seven; happy counts as satisfied.
faces (face, csat) AS (
    VALUES (103, 5), (102, 5), (101, 4), (100, 3), (-101, 2), (-102, 1), (-103, 1)
),
cases AS (
    SELECT tickets.*, coalesce('freshdesk-company-' || tickets.company_id, own_id) AS customer_id,
        CASE WHEN deleted OR spam THEN tickets.updated_at END AS deleted_at
    FROM freshdesk_tickets AS tickets
    LEFT JOIN freshdesk_people ON contact_id = requester_id
),
starts AS (
    SELECT ticket_id, arg_min(performer, happened) AS performer FROM freshdesk_activities
    WHERE json_exists(activity, '$.new_ticket') GROUP BY ticket_id
),
opened AS (
    -- An outbound e-mail (10) is ours, whoever sent it; all others are the customer's.
    SELECT 'ticket-' || cases.id AS id, cases.id AS ticket_id, created_at AS happened,
        'case_opened' AS kind,
        CASE WHEN source = 10 THEN coalesce(starts.performer, 'unknown') END AS agent,
        requester_id AS person, NULL::BIGINT AS score,
        CASE WHEN source <> 10 THEN description_text END AS words, updated_at
    FROM cases LEFT JOIN starts ON starts.ticket_id = cases.id
),
first_message AS (
    SELECT 'ticket-' || ticket_id || '-sent', ticket_id, happened, 'message_out', agent, NULL,
        NULL, description_text, opened.updated_at
    FROM opened JOIN cases ON cases.id = ticket_id WHERE agent IS NOT NULL
),
messages AS (
    SELECT 'conversation-' || id, ticket_id, created_at,
        CASE WHEN incoming THEN 'message_in' ELSE 'message_out' END,
        CASE WHEN NOT incoming THEN user_id::VARCHAR END,
        CASE WHEN incoming THEN user_id END, NULL, body_text, updated_at
    FROM freshdesk_conversations
    WHERE private IS NOT true AND source NOT IN (6, 8)
),
changes AS (
    SELECT *, activity->>'$.status' AS status, activity->>'$.agent_id' AS assignee,
        activity->>'$.group' AS team, activity->>'$.priority' AS priority
    FROM freshdesk_activities
),
statuses AS (
    SELECT id || '-' || kind, ticket_id, happened, kind, performer, NULL, NULL, NULL, NULL
    FROM (
        SELECT *, unnest([
            CASE WHEN was IN ('Resolved', 'Closed') AND status NOT IN ('Resolved', 'Closed')
                THEN 'case_reopened' END,
            CASE status WHEN 'Pending' THEN 'case_pending'
                WHEN 'Waiting on Customer' THEN 'case_pending'
                WHEN 'Resolved' THEN 'case_solved' WHEN 'Closed' THEN 'case_closed' END
        ]) AS kind
        FROM (
            SELECT *, lag(status) OVER (PARTITION BY ticket_id ORDER BY happened, id) AS was
            FROM changes WHERE status IS NOT NULL
        )
        WHERE status IS DISTINCT FROM was
    )
    WHERE kind IS NOT NULL
),
handed AS (
    SELECT id || '-handed', ticket_id, happened,
        CASE WHEN was IS NULL THEN 'case_assigned' ELSE 'case_transferred' END, performer, NULL,
        NULL, NULL, NULL
    FROM (
        SELECT *, lag(assignee) OVER (PARTITION BY ticket_id ORDER BY happened, id) AS was
        FROM changes WHERE assignee IS NOT NULL
    )
    WHERE assignee IS DISTINCT FROM was
),
escalated AS (
    SELECT id || '-escalated', ticket_id, happened, 'case_escalated', performer, NULL, NULL, NULL,
        NULL
    FROM changes WHERE priority = 'Urgent' AND NOT json_exists(activity, '$.new_ticket')
),
surveys AS (
    SELECT 'rating-' || id, ticket_id, created_at, 'survey_answered', NULL, user_id, csat,
        feedback, updated_at
    FROM freshdesk_ratings JOIN faces ON face = ratings.default_question
),
rows AS (
    FROM opened UNION ALL FROM first_message UNION ALL FROM messages UNION ALL FROM statuses
    UNION ALL FROM handed UNION ALL FROM escalated UNION ALL FROM surveys
)
SELECT
    rows.id AS interaction_id,
    customer_id,
    person AS contact_id,
    happened AS occurred_at,
    kind,
    channel,
    ticket_id::VARCHAR AS case_id,
    agent AS agent_id,
    score,
    CASE WHEN kind = 'survey_answered' THEN 'csat' END AS score_kind,
    words AS text,
    greatest(rows.updated_at, cases.updated_at) AS updated_at,
    deleted_at
FROM rows
JOIN cases ON cases.id = ticket_id
LEFT JOIN channels ON channels.source = cases.source
