-- `hs_timestamp` is when something was, `createdAt` when HubSpot came to know of it: people log
-- calls later, and imports bring years.
WITH staff AS (
    SELECT id, record->>'userId' AS user_id FROM hs_records WHERE what = 'owners'
),
opened_as AS (  -- a category that was changed later is not what the ticket was opened as
    SELECT id, value AS category FROM hs_changes
    WHERE what = 'tickets' AND property = 'hs_ticket_category' AND place = 1
),
stages AS (
    SELECT hs_changes.*, CASE
        WHEN is_now.means = 'closed' AND was.means IS DISTINCT FROM 'closed' THEN 'case_solved'
        WHEN was.means = 'closed' AND is_now.means IS DISTINCT FROM 'closed' THEN 'case_reopened'
        WHEN is_now.means = 'pending' THEN 'case_pending'
    END AS kind
    FROM hs_changes
    LEFT JOIN hs_stages AS is_now ON is_now.stage = value
    LEFT JOIN hs_stages AS was ON was.stage = previous
    WHERE what = 'tickets' AND property = 'hs_pipeline_stage' AND place > 1
),
of_tickets AS (
    SELECT
        hs_tickets.id || ' opened' AS id, hs_tickets.id AS ticket, opened_at AS happened,
        'case_opened' AS kind, NULL::VARCHAR AS agent, to_contact AS contact,
        CASE properties->>'source_type'
            WHEN 'EMAIL' THEN 'email' WHEN 'CHAT' THEN 'chat' WHEN 'FORM' THEN 'web'
            WHEN 'PHONE' THEN 'phone' WHEN 'FB_MESSENGER' THEN 'social'
        END AS channel,
        coalesce(category, properties->>'hs_ticket_category') AS topic,
        concat_ws(chr(10), properties->>'subject', properties->>'content') AS text,
        greatest(opened_at, created_at) AS known, version
    FROM hs_tickets LEFT JOIN opened_as USING (id)
    UNION ALL BY NAME
    SELECT concat_ws(' ', stages.id, 'stage', epoch_ms(changed_at)) AS id, stages.id AS ticket,
        changed_at AS happened, kind, staff.id AS agent, changed_at AS known, changed_at AS version
    FROM stages LEFT JOIN staff USING (user_id)
    WHERE kind IS NOT NULL
    UNION ALL BY NAME
    SELECT concat_ws(' ', hs_changes.id, 'owner', epoch_ms(changed_at)) AS id,
        hs_changes.id AS ticket, changed_at AS happened,
        CASE WHEN previous IS NULL THEN 'case_assigned' ELSE 'case_transferred' END AS kind,
        staff.id AS agent, changed_at AS known, changed_at AS version
    FROM hs_changes LEFT JOIN staff USING (user_id)
    WHERE what = 'tickets' AND property = 'hubspot_owner_id' AND value IS NOT NULL
        AND value IS DISTINCT FROM previous
    UNION ALL BY NAME
    -- Without the history of the stage, the day of the last closing is all there is.
    SELECT hs_tickets.id || ' closed' AS id, hs_tickets.id AS ticket, closed_at AS happened,
        'case_solved' AS kind, closed_at AS known, version
    FROM hs_tickets
    ANTI JOIN (SELECT id FROM stages WHERE kind = 'case_solved') AS tracked
        ON tracked.id = hs_tickets.id
    WHERE closed_at IS NOT NULL
),
of_engagements AS (
    SELECT *, properties->>'hubspot_owner_id' AS owner,
        hs_time(coalesce(properties->>'hs_timestamp', properties->>'hs_createdate')) AS happened
    FROM hs_engagements
),
engaged AS (
    SELECT 'email ' || id AS id, company, ticket, contact, happened,
        CASE properties->>'hs_email_direction'
            WHEN 'INCOMING_EMAIL' THEN 'message_in' ELSE 'message_out'
        END AS kind,
        'email' AS channel, CASE WHEN kind = 'message_out' THEN owner END AS agent,
        properties->>'hs_email_text' AS text,
        greatest(happened, created_at) AS known, version, deleted_at
    FROM of_engagements
    WHERE what = 'emails'
        AND (properties->>'hs_email_direction') IN ('EMAIL', 'INCOMING_EMAIL')
        AND coalesce(properties->>'hs_email_status', 'SENT') = 'SENT'
        -- The e-mail that opened a ticket is the opening.
        AND NOT (kind = 'message_in' AND coalesce(happened <= ticket_opened_at, false))
    UNION ALL BY NAME
    SELECT 'call ' || id AS id, company, ticket, contact, happened,
        CASE properties->>'hs_call_direction'
            WHEN 'INBOUND' THEN 'call_in' ELSE 'call_out'
        END AS kind,
        'phone' AS channel, owner AS agent,
        try_cast(properties->>'hs_call_duration' AS DOUBLE) / 1000 AS seconds,
        greatest(happened, created_at) AS known, version, deleted_at
    FROM of_engagements
    -- A call that nobody took is the customer's word all the same, but not ours.
    WHERE what = 'calls' AND CASE properties->>'hs_call_direction'
        WHEN 'INBOUND' THEN coalesce(properties->>'hs_call_status', 'COMPLETED')
            IN ('COMPLETED', 'NO_ANSWER', 'MISSED', 'BUSY')
        WHEN 'OUTBOUND' THEN coalesce(properties->>'hs_call_status', 'COMPLETED') = 'COMPLETED'
            -- no answer, busy, wrong number: developers.hubspot.com/docs/api/crm/calls
            AND coalesce(properties->>'hs_call_disposition', '') NOT IN (
                '73a0d17f-1163-4015-bdd5-ec830791da20', '9d9162e7-6cf3-4944-bf63-4dff82258764',
                '17b47fee-58de-441e-a44c-c6300d46f273')
    END
    UNION ALL BY NAME
    SELECT 'meeting ' || of_engagements.id AS id, company, ticket, contact,
        coalesce(hs_time(properties->>'hs_meeting_start_time'), happened) AS happened,
        CASE properties->>'hs_meeting_outcome'
            WHEN 'NO_SHOW' THEN 'meeting_missed' ELSE 'meeting_held'
        END AS kind,
        owner AS agent,
        CASE WHEN kind = 'meeting_held' THEN
            epoch(hs_time(properties->>'hs_meeting_end_time'))
                - epoch(hs_time(properties->>'hs_meeting_start_time'))
        END AS seconds,
        greatest(hs_time(properties->>'hs_meeting_end_time'), created_at, told_at) AS known,
        version,
        -- One that was called off after all takes back what its outcome had said.
        CASE WHEN (properties->>'hs_meeting_outcome') IN ('COMPLETED', 'NO_SHOW')
            THEN deleted_at ELSE version END AS deleted_at
    FROM of_engagements LEFT JOIN (
        SELECT id, max(changed_at) AS told_at FROM hs_changes
        WHERE what = 'meetings' AND property = 'hs_meeting_outcome' GROUP BY id
    ) AS outcomes ON outcomes.id = of_engagements.id
    WHERE what = 'meetings' AND ((properties->>'hs_meeting_outcome') IN ('COMPLETED', 'NO_SHOW')
        OR (properties->>'hs_meeting_outcome') IN ('CANCELED', 'RESCHEDULED')
            AND hs_time(properties->>'hs_meeting_start_time') <= version)
    UNION ALL BY NAME
    SELECT 'answer ' || id AS id, company, ticket, contact,
        coalesce(hs_time(properties->>'hs_submission_timestamp'), created_at) AS happened,
        'survey_answered' AS kind,
        CASE properties->>'hs_survey_channel'
            WHEN 'EMAIL' THEN 'email' WHEN 'WEB' THEN 'web' WHEN 'CHAT' THEN 'chat'
        END AS channel,
        lower(properties->>'hs_survey_type') AS score_kind,
        try_cast(properties->>'hs_value' AS DOUBLE) AS score,
        properties->>'hs_content' AS text,
        greatest(hs_time(properties->>'hs_submission_timestamp'), created_at) AS known, version,
        deleted_at
    FROM of_engagements
    WHERE what = 'feedback_submissions' AND CASE properties->>'hs_survey_type'
        WHEN 'NPS' THEN score BETWEEN 0 AND 10
        WHEN 'CSAT' THEN score BETWEEN 1 AND 5
        WHEN 'CES' THEN score BETWEEN 1 AND 7
    END
),
moments AS (
    SELECT of_tickets.*, company, deleted_at
    FROM of_tickets JOIN (SELECT id, company, deleted_at FROM hs_tickets) AS tickets
        ON tickets.id = ticket
    UNION ALL BY NAME
    SELECT * FROM engaged
)
SELECT
    id AS interaction_id,
    company AS customer_id,
    contact AS contact_id,
    happened AS occurred_at,
    kind,
    channel,
    ticket AS case_id,
    agent AS agent_id,
    topic,
    seconds,
    score,
    score_kind,
    text,
    known AS recorded_at,
    greatest(version, deleted_at) AS updated_at,
    deleted_at,
    'hubspot' AS source
FROM moments SEMI JOIN hs_customers ON hs_customers.id = company
