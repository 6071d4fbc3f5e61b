WITH reasons AS (
    SELECT 'accounts whose type, rating, employees or revenue are known only as of today' AS reason
    FROM sf_accounts WHERE NOT deleted AND coalesce(
        line->>'Type', line->>'Rating', line->>'NumberOfEmployees', line->>'AnnualRevenue'
    ) IS NOT NULL
    UNION ALL
    SELECT 'contacts without an account' FROM sf_contacts WHERE account IS NULL
    UNION ALL
    SELECT 'cases without an account' FROM sf_cases WHERE account IS NULL
    UNION ALL
    SELECT 'changes of a case that are no event' FROM sf_case_changes WHERE kind IS NULL
    UNION ALL
    SELECT 'internal comments' FROM sf_comments WHERE NOT published
    UNION ALL
    SELECT 'e-mail drafts' FROM sf_emails WHERE draft
    UNION ALL
    SELECT 'e-mails that opened a case: the opening itself'
    FROM sf_emails JOIN sf_cases ON sf_cases.id = parent
    WHERE NOT draft AND incoming AND sent_at <= sf_cases.created_at
    UNION ALL
    SELECT 'e-mails about neither a case nor an account' FROM sf_emails
    WHERE NOT draft AND parent IS NULL AND NOT coalesce(starts_with(related, '001'), false)
    UNION ALL
    SELECT CASE
        WHEN account IS NULL THEN 'calls, tasks and meetings without an account'
        WHEN object = 'Event' AND (is_yes(line->>'IsChild') OR is_yes(line->>'IsRecurrence'))
            THEN 'invitations and patterns of meetings that have a row of their own'
        WHEN object = 'Event' AND as_time(line->>'EndDateTime') > (SELECT "until" FROM sf_reach)
            THEN 'meetings that had not been held yet'
        WHEN object = 'Event' THEN NULL
        WHEN NOT (is_yes(line->>'IsClosed') OR coalesce((line->>'Status') = 'Completed', false))
            THEN 'tasks and calls that are not done'
        WHEN (line->>'CallType') = 'Internal' THEN 'calls among colleagues'
        WHEN (line->>'CallType') IN ('Inbound', 'Outbound') THEN NULL
        WHEN (line->>'TaskSubtype') = 'Call' THEN 'calls of which nobody noted who called'
        ELSE 'tasks that are no call'
    END FROM sf_activities
    UNION ALL
    SELECT 'changes of names, numbers and addresses' FROM sf_changes
    WHERE object <> 'Case'
        AND regexp_matches(field, '^(Name|Phone|Fax|Website|.*(Street|Address|PostalCode|City))$')
)
SELECT reason, count(*) AS rows FROM reasons WHERE reason IS NOT NULL GROUP BY reason
