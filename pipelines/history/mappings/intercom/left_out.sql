SELECT 'private notes' AS reason, count(*) AS rows FROM intercom_parts WHERE private
UNION ALL
SELECT 'parts of long conversations, of which Intercom gives 500',
    coalesce(sum(greatest(0, conversation_parts.total_count
        - coalesce(len(conversation_parts.conversation_parts), 0))), 0)
FROM intercom_conversations
UNION ALL
SELECT 'ratings of which nothing says when they were given', count(*)
FROM intercom_conversations
WHERE conversation_rating.rating IS NOT NULL AND conversation_rating.updated_at IS NULL
    AND id NOT IN (
        SELECT conversation_id FROM intercom_parts
        WHERE part_type = 'conversation_rating_changed')
UNION ALL
SELECT 'conversations that a bot began and nobody answered: no case', count(*)
FROM intercom_conversations
WHERE source.author.type = 'bot' AND id NOT IN (
    SELECT conversation_id FROM intercom_parts WHERE by_customer AND spoken)
UNION ALL
SELECT 'system events (tags, participants, unsnoozing and the like)', count(*)
FROM intercom_parts
WHERE NOT spoken AND NOT private AND part_type NOT LIKE '%assign%'
    AND part_type NOT IN ('open', 'close', 'snoozed', 'conversation_rating_changed')
