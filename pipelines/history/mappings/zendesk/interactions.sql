-- Each event of a ticket, dated by its audit. What a ticket is today (status, assignee, priority,
-- metric_set) never becomes a row: only that and when it changed.
WITH channels (channel, known) AS (
    VALUES
        ('email', 'email'), ('mail', 'email'),
        ('web', 'web'), ('web form', 'web'), ('web_form', 'web'), ('help_center', 'web'),
        ('web_widget', 'web'), ('closed_ticket', 'web'), ('forum', 'web'), ('topic', 'web'),
        ('chat', 'chat'), ('chat_offline', 'chat'), ('native_messaging', 'chat'),
        ('messaging', 'chat'), ('whatsapp', 'chat'), ('apple_business_chat', 'chat'),
        ('voice', 'phone'), ('phone', 'phone'), ('voicemail', 'phone'),
        ('phone_call_inbound', 'phone'), ('phone_call_outbound', 'phone'),
        ('sms', 'sms'), ('text', 'sms'), ('mobile', 'app'), ('mobile_sdk', 'app'),
        ('twitter', 'social'), ('twitter_dm', 'social'), ('twitter_like', 'social'),
        ('facebook', 'social'), ('facebook_post', 'social'), ('facebook_message', 'social'),
        ('instagram_dm', 'social'), ('line', 'social'), ('wechat', 'social'),
        ('answer_bot', 'bot'), ('answer_bot_for_web_widget', 'bot')
),
staff AS (SELECT id FROM zendesk_users WHERE role IN ('agent', 'admin') UNION ALL SELECT -1),
urgency (priority, place) AS (VALUES ('low', 1), ('normal', 2), ('high', 3), ('urgent', 4)),
openings AS (
    SELECT ticket_id, arg_min(words, event_id) AS words
    FROM zendesk_comments WHERE creation AND public GROUP BY ticket_id
),
opened AS (
    -- Opened by us where one of us submitted it, unless the telephone did.
    SELECT 'ticket-' || ticket_id AS id, ticket_id, created_at AS happened, 'case_opened' AS kind,
        via.channel AS channel,
        CASE WHEN coalesce(via.source.rel, '') NOT IN ('inbound', 'voicemail')
            THEN staff.id END AS agent,
        requester_id AS person, NULL::DOUBLE AS seconds, NULL::DOUBLE AS score, words
    FROM zendesk_cases
    LEFT JOIN staff ON staff.id = submitter_id
    LEFT JOIN openings USING (ticket_id)
),
messages AS (
    -- The customer's first words are the opening itself, not a second contact.
    SELECT 'event-' || event_id, ticket_id, happened,
        CASE
            WHEN type = 'VoiceComment' AND rel = 'outbound' THEN 'call_out'
            WHEN type = 'VoiceComment' THEN 'call_in'
            WHEN role = 'end-user' THEN 'message_in'
            ELSE 'message_out' END,
        -- An agent writes from the web, whatever way the customer reads it.
        CASE WHEN role = 'end-user' THEN channel END,
        CASE WHEN type = 'VoiceComment' THEN answered_by
            WHEN by_rule THEN -1 WHEN role <> 'end-user' THEN event_author END,
        CASE WHEN role = 'end-user' THEN event_author END, call_seconds, NULL, words
    FROM zendesk_comments
    WHERE public AND NOT by_merge AND (role IS NOT NULL OR by_rule OR type = 'VoiceComment')
        AND NOT (creation AND role = 'end-user' AND type = 'Comment')
),
handed AS (
    -- One hand-over an audit, though group and assignee change together.
    SELECT 'event-' || event_id, ticket_id, happened,
        CASE WHEN previous IS NULL THEN 'case_assigned' ELSE 'case_transferred' END AS kind,
        NULL, CASE WHEN by_rule THEN -1 ELSE event_author END, NULL, NULL, NULL, NULL
    FROM zendesk_changes
    WHERE value IS NOT NULL AND value IS DISTINCT FROM previous
        AND (field = 'assignee_id' OR (field = 'group_id' AND previous IS NOT NULL))
    QUALIFY row_number() OVER (
        PARTITION BY audit_id ORDER BY kind DESC, field, event_id) = 1
),
escalated AS (
    SELECT 'event-' || event_id, ticket_id, happened, 'case_escalated', NULL,
        CASE WHEN by_rule THEN -1 ELSE event_author END, NULL, NULL, NULL, NULL
    FROM zendesk_changes
    JOIN urgency AS now ON now.priority = value
    LEFT JOIN urgency AS before ON before.priority = previous
    WHERE field = 'priority' AND type = 'Change' AND now.place >= 3
        AND now.place > coalesce(before.place, 2)
),
statuses AS (
    SELECT 'event-' || event_id || '-' || kind, ticket_id, happened, kind, NULL,
        CASE WHEN by_rule THEN -1 ELSE event_author END, NULL, NULL, NULL, NULL
    FROM (
        SELECT *, unnest([
            CASE WHEN previous = 'solved' AND value IN ('new', 'open', 'pending', 'hold')
                THEN 'case_reopened' END,
            CASE value WHEN 'pending' THEN 'case_pending' WHEN 'solved' THEN 'case_solved'
                WHEN 'closed' THEN 'case_closed' END
        ]) AS kind
        FROM zendesk_changes WHERE field = 'status' AND value IS DISTINCT FROM previous
    )
    WHERE kind IS NOT NULL
),
surveys AS (
    SELECT 'survey-' || audit_id || '-' || value, ticket_id, happened,
        CASE value WHEN 'offered' THEN 'survey_sent' ELSE 'survey_answered' END, NULL,
        CASE WHEN value = 'offered' AND by_rule THEN -1 END, requester_id, NULL,
        -- Good and bad are all there is: the ends of the scale.
        CASE value WHEN 'good' THEN 5 WHEN 'bad' THEN 1 END,
        CASE WHEN value <> 'offered' THEN (
            SELECT arg_min(comment, abs(epoch(ratings.updated_at) - epoch(happened)))
            FROM zendesk_ratings AS ratings
            WHERE ratings.ticket_id = answers.ticket_id AND starts_with(ratings.score, value)
        ) END
    FROM (
        SELECT * REPLACE (
            CASE WHEN starts_with(value, 'good') THEN 'good' WHEN starts_with(value, 'bad')
                THEN 'bad' ELSE value END AS value)
        FROM zendesk_changes WHERE field = 'satisfaction_score'
    ) AS answers
    JOIN zendesk_cases USING (ticket_id)
    WHERE value IN ('offered', 'good', 'bad')
    QUALIFY row_number() OVER (PARTITION BY audit_id, value ORDER BY event_id) = 1
),
promises AS (
    -- A breach is foreseen when its clock starts: only what the export has lived to see counts.
    SELECT 'metric-' || id, ticket_id, "time", 'promise_broken', NULL, NULL, NULL, NULL, NULL, NULL
    FROM zendesk_metric_events
    WHERE type = 'breach' AND deleted IS NOT true AND "time" <= (
        SELECT max("time") FROM zendesk_metric_events WHERE type NOT IN ('breach', 'apply_sla'))
),
rows AS (
    FROM opened UNION ALL FROM messages UNION ALL FROM handed UNION ALL FROM escalated
    UNION ALL FROM statuses UNION ALL FROM surveys UNION ALL FROM promises
)
SELECT
    rows.id AS interaction_id,
    customer_id,
    person AS contact_id,
    happened AS occurred_at,
    kind,
    coalesce(spoken.known, usual.known) AS channel,
    ticket_id::VARCHAR AS case_id,
    staff.id AS agent_id,
    seconds,
    score,
    CASE WHEN kind IN ('survey_sent', 'survey_answered') THEN 'csat' END AS score_kind,
    words AS text,
    version AS updated_at,
    deleted_at
FROM rows
JOIN zendesk_cases AS cases USING (ticket_id)
LEFT JOIN channels AS spoken ON spoken.channel = rows.channel
LEFT JOIN channels AS usual ON usual.channel = cases.via.channel
LEFT JOIN staff ON staff.id = agent
