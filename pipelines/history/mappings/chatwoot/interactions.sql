-- Messages, and what reporting events date. `status`, `assignee` and `first_reply_created_at` of a
-- conversation are today's and never become a row.
WITH people AS (
    -- Activities call an agent by name: of two with one name, neither is meant for sure.
    SELECT name, any_value(id)::VARCHAR AS agent FROM chatwoot_agents
    GROUP BY name HAVING count(*) = 1
),
first_word AS (
    SELECT * FROM chatwoot_messages WHERE message_type IN (0, 1) AND private IS NOT true
    QUALIFY row_number() OVER (PARTITION BY conversation_id ORDER BY created_at, id) = 1
),
opened AS (
    -- Opened by us where a person of ours wrote first.
    SELECT 'conversation-' || cases.id AS id, cases.id AS conversation_id,
        to_timestamp(cases.created_at) AS happened, 'case_opened' AS kind,
        CASE WHEN NOT starts_with(agent, 'bot-') THEN agent END AS agent,
        meta.sender.id AS person, NULL::BIGINT AS score,
        CASE WHEN message_type = 0 THEN words END AS words
    FROM chatwoot_conversations AS cases
    LEFT JOIN first_word ON first_word.conversation_id = cases.id
),
messages AS (
    -- The customer's first words are the opening itself, not a second contact.
    SELECT 'message-' || messages.id, messages.conversation_id,
        to_timestamp(messages.created_at),
        CASE messages.message_type WHEN 0 THEN 'message_in' ELSE 'message_out' END,
        messages.agent, CASE messages.message_type WHEN 0 THEN messages.sender.id END, NULL,
        messages.words
    FROM chatwoot_messages AS messages LEFT JOIN first_word USING (id)
    WHERE messages.message_type IN (0, 1) AND messages.private IS NOT true
        AND messages.content_type IS DISTINCT FROM 'input_csat'
        AND (first_word.id IS NULL OR messages.message_type = 1)
),
activities AS (
    SELECT *, CASE
        WHEN content LIKE 'Assigned to % by %' OR content LIKE '% self-assigned this conversation'
            THEN 'assigned'
        WHEN content LIKE 'Conversation was snoozed by %' THEN 'case_pending'
        WHEN content LIKE '% the priority % to urgent' OR content LIKE '% set the priority to urgent'
            THEN 'case_escalated' END AS told,
        -- Whoever it was given to: 'Assigned to Bea by Max', 'Assigned to Bea via Sales by Max'.
        coalesce(nullif(regexp_extract(content, '^Assigned to (.+?)( via .+)? by ', 1), ''),
            regexp_extract(content, '^(.+) self-assigned', 1)) AS assignee,
        coalesce(nullif(regexp_extract(content, ' by (.+)$', 1), ''),
            nullif(regexp_extract(content, '^(.+) self-assigned', 1), ''),
            regexp_extract(content, '^(.+) (set|changed) the priority', 1)) AS actor
    FROM chatwoot_messages WHERE message_type = 2
),
handed AS (
    SELECT 'message-' || id, conversation_id, to_timestamp(created_at),
        CASE WHEN before IS NULL THEN 'case_assigned' ELSE 'case_transferred' END, people.agent,
        NULL, NULL, NULL
    FROM (
        SELECT * EXCLUDE (agent), lag(assignee) OVER (
            PARTITION BY conversation_id ORDER BY created_at, id) AS before
        FROM activities WHERE told = 'assigned'
    )
    LEFT JOIN people ON people.name = actor
    WHERE assignee IS DISTINCT FROM before
),
paused AS (
    SELECT 'message-' || id, conversation_id, to_timestamp(created_at), told, people.agent, NULL,
        NULL, NULL
    FROM (SELECT * EXCLUDE (agent) FROM activities WHERE told LIKE 'case_%')
    LEFT JOIN people ON people.name = actor
),
turns AS (
    SELECT *, last_value(CASE WHEN name IN ('conversation_resolved', 'conversation_opened')
            THEN name END IGNORE NULLS) OVER (
        PARTITION BY conversation_id ORDER BY event_end_time, id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM chatwoot_reporting
),
reported AS (
    SELECT 'event-' || id, conversation_id, event_end_time, kind,
        -- The assignee at that moment; who pressed the button is not told.
        CASE WHEN kind = 'case_solved' THEN user_id::VARCHAR END, NULL, NULL, NULL
    FROM (
        SELECT *, CASE
            WHEN name = 'conversation_resolved' THEN 'case_solved'
            WHEN name = 'conversation_opened' AND before = 'conversation_resolved'
                THEN 'case_reopened'
            WHEN name = 'conversation_bot_handoff' THEN 'bot_handoff' END AS kind
        FROM turns
    )
    WHERE kind IS NOT NULL
),
surveys AS (
    SELECT 'message-' || id, conversation_id, to_timestamp(created_at), 'survey_sent', NULL, NULL,
        NULL, NULL
    FROM chatwoot_messages WHERE content_type = 'input_csat'
    UNION ALL
    SELECT 'rating-' || id, conversation_id, to_timestamp(created_at), 'survey_answered', NULL,
        contact.id, rating, feedback_message
    FROM chatwoot_ratings
),
rows AS (
    FROM opened UNION ALL FROM messages UNION ALL FROM handed UNION ALL FROM paused
    UNION ALL FROM reported UNION ALL FROM surveys
)
SELECT
    rows.id AS interaction_id,
    customer_id,
    person AS contact_id,
    happened AS occurred_at,
    kind,
    channel,
    conversation_id::VARCHAR AS case_id,
    agent AS agent_id,
    score,
    CASE WHEN kind IN ('survey_sent', 'survey_answered') THEN 'csat' END AS score_kind,
    words AS text,
    version AS updated_at
FROM rows
JOIN chatwoot_conversations AS cases ON cases.id = conversation_id
JOIN chatwoot_contacts AS contacts ON contacts.id = cases.meta.sender.id
WHERE contacts.blocked IS NOT true
