-- Each part of a conversation, dated by itself. `state`, `admin_assignee_id`, `statistics` and
-- `sla_applied` are what it is today and never become a row.
WITH channels (type, channel) AS (
    VALUES ('conversation', 'chat'), ('email', 'email'), ('whatsapp', 'chat'), ('sms', 'sms'),
        ('facebook', 'social'), ('twitter', 'social'), ('instagram', 'social'),
        ('phone_call', 'phone'), ('phone_switch', 'phone'), ('push', 'app')
),
first_words AS (
    SELECT * FROM intercom_parts WHERE by_customer AND spoken
    QUALIFY row_number() OVER (PARTITION BY conversation_id ORDER BY happened, part_id) = 1
),
opened AS (
    -- A conversation that a bot began opens with the customer's first word.
    SELECT 'conversation-' || id AS id, id AS conversation_id,
        CASE WHEN source.author.type = 'bot' THEN first_words.happened ELSE created_at END
            AS happened,
        'case_opened' AS kind,
        CASE WHEN source.author.type = 'admin' THEN source.author.id END AS agent,
        CASE WHEN source.author.type = 'bot' THEN person
            WHEN source.author.type <> 'admin' THEN source.author.id END AS person,
        NULL::BIGINT AS score,
        CASE WHEN source.author.type = 'bot' THEN words
            WHEN source.author.type <> 'admin'
            THEN trim(regexp_replace(source.body, '<[^>]*>', ' ', 'g')) END AS words
    FROM intercom_conversations LEFT JOIN first_words ON conversation_id = id
    WHERE source.author.type IS DISTINCT FROM 'bot' OR first_words.happened IS NOT NULL
),
first_message AS (
    SELECT 'source-' || id, id, created_at, 'message_out',
        CASE source.author.type WHEN 'bot' THEN 'bot-' || source.author.id
            ELSE source.author.id END,
        NULL, NULL, trim(regexp_replace(source.body, '<[^>]*>', ' ', 'g'))
    FROM intercom_conversations WHERE source.author.type IN ('admin', 'bot')
),
messages AS (
    SELECT 'part-' || part_id, conversation_id, happened,
        CASE WHEN by_customer THEN 'message_in' ELSE 'message_out' END, agent, person, NULL, words
    FROM intercom_parts JOIN intercom_conversations ON id = conversation_id
    WHERE spoken AND (by_customer OR agent IS NOT NULL)
        AND NOT (source.author.type = 'bot' AND part_id IN (SELECT part_id FROM first_words))
),
handed AS (
    SELECT 'part-' || part_id || '-handed', conversation_id, happened,
        CASE WHEN before IS NULL THEN 'case_assigned' ELSE 'case_transferred' END, agent, NULL,
        NULL, NULL
    FROM (
        SELECT *, lag(assigned_to) OVER (
            PARTITION BY conversation_id ORDER BY happened, part_id) AS before
        FROM intercom_parts WHERE part_type LIKE '%assign%' AND assigned_to IS NOT NULL
    )
    WHERE assigned_to IS DISTINCT FROM before
),
turns AS (
    SELECT *, CASE
        WHEN part_type = 'close' THEN 'closed'
        WHEN part_type IN ('open', 'note_and_reopen', 'assign_and_reopen')
            OR (by_customer AND spoken) THEN 'open' END AS becomes
    FROM intercom_parts
),
changed AS (
    SELECT *, last_value(becomes IGNORE NULLS) OVER (
        PARTITION BY conversation_id ORDER BY happened, part_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS was
    FROM turns
),
states AS (
    -- Intercom's close is the solution: there is no end after it.
    SELECT 'part-' || part_id || '-' || kind, conversation_id, happened, kind, agent, person, NULL,
        NULL
    FROM (
        SELECT *, CASE
            WHEN becomes = 'closed' THEN 'case_solved'
            WHEN becomes = 'open' AND was = 'closed' THEN 'case_reopened'
            WHEN part_type = 'snoozed' THEN 'case_pending' END AS kind
        FROM changed
    )
    WHERE kind IS NOT NULL
),
rated AS (
    SELECT conversation_id, max(happened) AS happened FROM intercom_parts
    WHERE part_type = 'conversation_rating_changed' GROUP BY conversation_id
),
surveys AS (
    SELECT 'rating-asked-' || id, id, conversation_rating.created_at, 'survey_sent', NULL, NULL,
        NULL, NULL
    FROM intercom_conversations WHERE conversation_rating.created_at IS NOT NULL
    UNION ALL
    -- `created_at` of a rating is when it was asked for; when it was given, another says.
    SELECT 'rating-' || id, id, coalesce(rated.happened, conversation_rating.updated_at),
        'survey_answered', NULL, contacts.contacts[1].id, conversation_rating.rating,
        conversation_rating.remark
    FROM intercom_conversations LEFT JOIN rated ON conversation_id = id
    WHERE conversation_rating.rating IS NOT NULL
        AND coalesce(rated.happened, conversation_rating.updated_at) IS NOT NULL
),
rows AS (
    FROM opened UNION ALL FROM first_message UNION ALL FROM messages UNION ALL FROM handed
    UNION ALL FROM states UNION ALL FROM surveys
)
SELECT
    rows.id AS interaction_id,
    customer_id,
    person AS contact_id,
    to_timestamp(happened) AS occurred_at,
    kind,
    channel,
    conversation_id AS case_id,
    agent AS agent_id,
    score,
    CASE WHEN kind IN ('survey_sent', 'survey_answered') THEN 'csat' END AS score_kind,
    words AS text,
    to_timestamp(conversations.updated_at) AS updated_at
FROM rows
JOIN intercom_conversations AS conversations ON conversations.id = conversation_id
LEFT JOIN intercom_people AS people
    ON people.contact_id = conversations.contacts.contacts[1].id
LEFT JOIN channels ON channels.type = conversations.source.type
