SELECT 'private notes' AS reason, count(*) AS rows
FROM zendesk_comments WHERE NOT public
UNION ALL
SELECT 'comments that Zendesk wrote itself when it merged tickets', count(*)
FROM zendesk_comments WHERE public AND by_merge
UNION ALL
SELECT 'comments by somebody who is in no users file', count(*)
FROM zendesk_comments
WHERE public AND NOT by_merge AND NOT by_rule AND role IS NULL AND type = 'Comment'
UNION ALL
SELECT 'events of tickets that are in no tickets file', count(*)
FROM zendesk_events ANTI JOIN zendesk_tickets AS tickets ON tickets.id = ticket_id
UNION ALL
SELECT 'deleted tickets, whose known rows are taken out', count(*)
FROM zendesk_cases WHERE status = 'deleted'
UNION ALL
SELECT 'tickets of suspended users (spam), whose known rows are taken out', count(*)
FROM zendesk_cases WHERE spam AND status <> 'deleted'
UNION ALL
SELECT 'answers to surveys of the new kind, whose scale differs by survey', count(*)
FROM zendesk_events WHERE type ILIKE 'Survey%'
UNION ALL
SELECT 'chat transcripts, which are their own export', count(*)
FROM zendesk_events WHERE type IN ('ChatStartedEvent', 'ChatEndedEvent')
