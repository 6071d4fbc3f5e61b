WITH reasons AS (
    SELECT 'companies that never were customers' AS reason
    FROM hs_records WHERE what = 'companies' AND id NOT IN (SELECT id FROM hs_customers)
    UNION ALL
    SELECT 'companies whose employees or revenue are known only as of today'
    FROM hs_customers WHERE deleted_at IS NULL
        AND coalesce(properties->>'numberofemployees', properties->>'annualrevenue') <> ''
        AND id NOT IN (SELECT id FROM hs_changes
            WHERE what = 'companies' AND property IN ('numberofemployees', 'annualrevenue'))
    UNION ALL
    SELECT 'contacts of no customer' FROM hs_contacts
    WHERE company IS NULL OR company NOT IN (SELECT id FROM hs_customers)
    UNION ALL
    SELECT 'notes, which are internal' FROM hs_records WHERE what = 'notes'
    UNION ALL
    SELECT 'tickets of no customer' FROM hs_tickets
    WHERE company IS NULL OR company NOT IN (SELECT id FROM hs_customers)
    UNION ALL
    SELECT CASE
        WHEN company IS NULL OR company NOT IN (SELECT id FROM hs_customers)
            THEN 'calls, e-mails, meetings and answers of no customer'
        WHEN what = 'emails' AND coalesce(properties->>'hs_email_direction', '')
            NOT IN ('EMAIL', 'INCOMING_EMAIL') THEN 'e-mails that were forwarded or are drafts'
        WHEN what = 'emails' AND coalesce(properties->>'hs_email_status', 'SENT') <> 'SENT'
            THEN 'e-mails that were not sent or not delivered'
        WHEN what = 'emails' AND (properties->>'hs_email_direction') = 'INCOMING_EMAIL'
            AND hs_time(properties->>'hs_timestamp') <= ticket_opened_at
            THEN 'e-mails that opened a ticket: the opening itself'
        WHEN what = 'calls' AND coalesce(properties->>'hs_call_direction', '')
            NOT IN ('INBOUND', 'OUTBOUND') THEN 'calls of which nobody noted who called'
        WHEN what = 'calls' AND (
            coalesce(properties->>'hs_call_status', 'COMPLETED') NOT IN (
                'COMPLETED', CASE WHEN (properties->>'hs_call_direction') = 'INBOUND'
                    THEN 'NO_ANSWER' END, 'MISSED', 'BUSY')
            OR (properties->>'hs_call_direction') = 'OUTBOUND' AND (
                (properties->>'hs_call_status') IN ('MISSED', 'BUSY', 'NO_ANSWER')
                OR (properties->>'hs_call_disposition') IN (
                    '73a0d17f-1163-4015-bdd5-ec830791da20', '9d9162e7-6cf3-4944-bf63-4dff82258764',
                    '17b47fee-58de-441e-a44c-c6300d46f273'))
        ) THEN 'calls that reached nobody'
        WHEN what = 'meetings' AND coalesce(properties->>'hs_meeting_outcome', '')
            NOT IN ('COMPLETED', 'NO_SHOW') THEN 'meetings without an outcome, or called off'
        WHEN what = 'feedback_submissions' AND NOT coalesce(CASE properties->>'hs_survey_type'
            WHEN 'NPS' THEN try_cast(properties->>'hs_value' AS DOUBLE) BETWEEN 0 AND 10
            WHEN 'CSAT' THEN try_cast(properties->>'hs_value' AS DOUBLE) BETWEEN 1 AND 5
            WHEN 'CES' THEN try_cast(properties->>'hs_value' AS DOUBLE) BETWEEN 1 AND 7
        END, false) THEN 'answers on another scale'
    END FROM hs_engagements
)
SELECT reason, count(*) AS rows FROM reasons WHERE reason IS NOT NULL GROUP BY reason
