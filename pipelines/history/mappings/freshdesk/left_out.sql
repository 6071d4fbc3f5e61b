SELECT 'private notes' AS reason, count(*) AS rows FROM freshdesk_conversations WHERE private
UNION ALL
SELECT 'mails forwarded to others, and survey remarks repeated as conversations', count(*)
FROM freshdesk_conversations WHERE private IS NOT true AND source IN (6, 8)
UNION ALL
SELECT 'ratings with an answer of no known scale', count(*)
FROM freshdesk_ratings
WHERE ratings.default_question IS NULL OR abs(ratings.default_question) NOT BETWEEN 100 AND 103
UNION ALL
SELECT 'deleted tickets, whose known rows are taken out', count(*)
FROM freshdesk_tickets WHERE deleted AND spam IS NOT true
UNION ALL
SELECT 'spam, whose known rows are taken out', count(*) FROM freshdesk_tickets WHERE spam
UNION ALL
SELECT 'conversations, ratings and activities of tickets that are in no tickets file', count(*)
FROM (
    SELECT ticket_id FROM freshdesk_conversations UNION ALL
    SELECT ticket_id FROM freshdesk_ratings UNION ALL SELECT ticket_id FROM freshdesk_activities
) ANTI JOIN freshdesk_tickets AS tickets ON tickets.id = ticket_id
UNION ALL
SELECT 'activities that say neither status, agent nor urgency', count(*)
FROM freshdesk_activities
WHERE NOT (json_exists(activity, '$.status') OR json_exists(activity, '$.agent_id')
    OR coalesce(activity->>'$.priority' = 'Urgent', false))
