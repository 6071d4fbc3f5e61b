SELECT 'private notes' AS reason, count(*) AS rows
FROM chatwoot_messages WHERE private AND message_type IN (0, 1)
UNION ALL
SELECT 'automatic greetings and forms', count(*)
FROM chatwoot_messages WHERE message_type = 3 AND content_type IS DISTINCT FROM 'input_csat'
UNION ALL
SELECT 'activities that are no assignment, snoozing or urgency', count(*)
FROM chatwoot_messages
WHERE message_type = 2 AND NOT (content LIKE 'Assigned to % by %'
    OR content LIKE '% self-assigned this conversation'
    OR content LIKE 'Conversation was snoozed by %' OR content LIKE '%the priority%to urgent')
UNION ALL
SELECT 'conversations of blocked contacts (spam)', count(*)
FROM chatwoot_conversations JOIN chatwoot_contacts AS contacts ON contacts.id = meta.sender.id
WHERE blocked
UNION ALL
SELECT 'messages and ratings of conversations that are in no conversations file', count(*)
FROM (
    SELECT conversation_id FROM chatwoot_messages UNION ALL
    SELECT conversation_id FROM chatwoot_ratings
) ANTI JOIN chatwoot_conversations AS conversations ON conversations.id = conversation_id
UNION ALL
SELECT 'conversations whose contact is in no contacts file', count(*)
FROM chatwoot_conversations ANTI JOIN chatwoot_contacts AS contacts
    ON contacts.id = meta.sender.id
