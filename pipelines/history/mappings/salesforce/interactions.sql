-- Salesforce dates what people enter (a call's end, an e-mail's time) and, apart from that, when it
-- was entered: `CreatedDate`, which nobody can change. So both times are known.
WITH staff AS (  -- whoever is no customer in a portal
    SELECT id FROM sf_users
    WHERE coalesce(type IN ('Standard', 'AutomatedProcess', 'CloudIntegrationUser'), true)
),
channels (origin, channel) AS (
    VALUES ('email', 'email'), ('phone', 'phone'), ('web', 'web'), ('chat', 'chat'),
        ('live chat', 'chat'), ('messaging', 'chat'), ('facebook', 'social'), ('twitter', 'social'),
        ('social', 'social'), ('sms', 'sms'), ('in person', 'in_person')
),
opened_as AS (  -- a type that was changed later is not what the case was opened as
    SELECT parent, arg_min(old, changed_at) AS type
    FROM sf_case_changes WHERE field = 'Type' GROUP BY parent
),
of_cases AS (
    SELECT sf_cases.id || ' opened' AS id, sf_cases.id AS "case", created_at AS happened,
        'case_opened' AS kind, channel, NULL AS agent, contact,
        coalesce(opened_as.type, sf_cases.type) AS topic,
        concat_ws(chr(10), line->>'Subject', line->>'Description') AS text,
        created_at AS known, version, NULL::TIMESTAMPTZ AS deleted_at
    FROM sf_cases
    LEFT JOIN channels ON channels.origin = lower(sf_cases.origin)
    LEFT JOIN opened_as ON opened_as.parent = sf_cases.id
    UNION ALL BY NAME
    SELECT id, parent AS "case", changed_at AS happened, kind, author AS agent,
        changed_at AS known, changed_at AS version,
        CASE WHEN deleted THEN changed_at END AS deleted_at
    FROM sf_case_changes WHERE kind IS NOT NULL
    UNION ALL BY NAME
    -- Where the status is not tracked, the day of the last closing is all there is.
    SELECT sf_cases.id || ' closed' AS id, sf_cases.id AS "case", closed_at AS happened,
        'case_solved' AS kind, closed_at AS known, version
    FROM sf_cases
    ANTI JOIN (SELECT parent FROM sf_case_changes WHERE kind = 'case_solved') AS tracked
        ON tracked.parent = sf_cases.id
    WHERE closed AND closed_at IS NOT NULL
    UNION ALL BY NAME
    SELECT sf_comments.id, parent AS "case", created_at AS happened,
        CASE WHEN staff.id IS NULL THEN 'message_in' ELSE 'message_out' END AS kind,
        'web' AS channel, author AS agent, line->>'CommentBody' AS text, created_at AS known,
        version, CASE WHEN deleted THEN version END AS deleted_at
    FROM sf_comments LEFT JOIN staff ON staff.id = author
    WHERE published
    UNION ALL BY NAME
    SELECT sf_emails.id, parent AS "case", sent_at AS happened,
        CASE WHEN incoming THEN 'message_in' ELSE 'message_out' END AS kind,
        'email' AS channel, CASE WHEN NOT incoming THEN author END AS agent,
        CASE WHEN incoming THEN contact END AS contact, sf_emails.line->>'TextBody' AS text,
        greatest(sent_at, sf_emails.created_at) AS known, sf_emails.version,
        CASE WHEN deleted THEN sf_emails.version END AS deleted_at
    FROM sf_emails JOIN sf_cases ON sf_cases.id = parent
    -- The e-mail that opened a case is the opening.
    WHERE NOT draft AND NOT (incoming AND sent_at <= sf_cases.created_at)
),
others AS (
    SELECT id, related AS account, sent_at AS happened,
        CASE WHEN incoming THEN 'message_in' ELSE 'message_out' END AS kind, 'email' AS channel,
        CASE WHEN NOT incoming THEN author END AS agent, line->>'TextBody' AS text,
        greatest(sent_at, created_at) AS known, version,
        CASE WHEN deleted THEN version END AS deleted_at
    FROM sf_emails
    WHERE parent IS NULL AND starts_with(related, '001') AND NOT draft
    UNION ALL BY NAME
    SELECT line->>'Id' AS id, account, "case", contact,
        coalesce(as_time(line->>'CompletedDateTime'), as_time(line->>'CreatedDate')) AS happened,
        CASE line->>'CallType' WHEN 'Inbound' THEN 'call_in' ELSE 'call_out' END AS kind,
        'phone' AS channel, line->>'OwnerId' AS agent,
        try_cast(line->>'CallDurationInSeconds' AS DOUBLE) AS seconds,
        greatest(happened, as_time(line->>'CreatedDate')) AS known, version_of(line) AS version,
        CASE WHEN is_yes(line->>'IsDeleted') THEN version END AS deleted_at
    FROM sf_activities
    WHERE object = 'Task' AND (line->>'CallType') IN ('Inbound', 'Outbound')
        AND (is_yes(line->>'IsClosed') OR (line->>'Status') = 'Completed')
    UNION ALL BY NAME
    SELECT line->>'Id' AS id, account, "case", contact,
        as_time(line->>'StartDateTime') AS happened, 'meeting_held' AS kind,
        line->>'OwnerId' AS agent,
        epoch(as_time(line->>'EndDateTime')) - epoch(happened) AS seconds,
        greatest(as_time(line->>'EndDateTime'), as_time(line->>'CreatedDate')) AS known,
        version_of(line) AS version,
        CASE WHEN is_yes(line->>'IsDeleted') THEN version END AS deleted_at
    FROM sf_activities
    WHERE object = 'Event' AND NOT is_yes(line->>'IsChild') AND NOT is_yes(line->>'IsRecurrence')
        AND as_time(line->>'EndDateTime') <= (SELECT "until" FROM sf_reach)
),
moments AS (
    SELECT of_cases.* REPLACE (coalesce(sf_cases.deleted_at, of_cases.deleted_at) AS deleted_at),
        account, NULL::DOUBLE AS seconds
    FROM of_cases JOIN sf_cases ON sf_cases.id = of_cases."case"
    UNION ALL BY NAME
    SELECT * FROM others
)
SELECT
    moments.id AS interaction_id,
    account AS customer_id,
    contact AS contact_id,
    happened AS occurred_at,
    kind,
    channel,
    "case" AS case_id,
    staff.id AS agent_id,
    topic,
    seconds,
    text,
    known AS recorded_at,
    greatest(version, deleted_at) AS updated_at,
    deleted_at,
    'salesforce' AS source
FROM moments LEFT JOIN staff ON staff.id = agent
WHERE account IS NOT NULL
