-- Chatwoot's exports as tables. A file may be an answer of the API as it came, an array, or a line
-- a record. Times are seconds since 1970 UTC; those of reporting events are ISO 8601.
CREATE TEMP MACRO items(page, path) AS
    CASE WHEN json_exists(page, path) THEN json_extract(page, path || '[*]') ELSE [page] END;

CREATE TEMP TABLE chatwoot_contacts AS
SELECT contact.*, coalesce(nullif(contact.identifier, ''), 'chatwoot-contact-' || contact.id)
    AS customer_id
FROM (
    SELECT from_json(unnest(items(json, '$.payload')), '{
        "id": "BIGINT", "identifier": "VARCHAR", "name": "VARCHAR", "email": "VARCHAR",
        "phone_number": "VARCHAR", "blocked": "BOOLEAN", "created_at": "BIGINT",
        "last_activity_at": "BIGINT"}') AS contact
    FROM read_json_objects('${source}/contacts*.json*', maximum_object_size = 67108864)
)
WHERE contact.id IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY contact.id ORDER BY contact.last_activity_at DESC NULLS LAST) = 1;

CREATE TEMP TABLE chatwoot_agents AS
SELECT DISTINCT ON (agent.id) agent.* FROM (
    SELECT from_json(json, '{"id": "BIGINT", "name": "VARCHAR"}') AS agent
    FROM read_json_objects('${source}/agents*.json*', maximum_object_size = 67108864)
)
WHERE agent.id IS NOT NULL;

CREATE TEMP TABLE chatwoot_conversations AS
SELECT conversation.*,
    to_timestamp(coalesce(conversation.updated_at, conversation.last_activity_at)) AS version,
    -- A bot's own channel aside, a channel is the class of its inbox.
    CASE replace(conversation.meta.channel, 'Channel::', '')
        WHEN 'WebWidget' THEN 'chat' WHEN 'Email' THEN 'email' WHEN 'Whatsapp' THEN 'chat'
        WHEN 'Telegram' THEN 'chat' WHEN 'Line' THEN 'chat' WHEN 'TwilioSms' THEN 'sms'
        WHEN 'Sms' THEN 'sms' WHEN 'Voice' THEN 'phone' WHEN 'FacebookPage' THEN 'social'
        WHEN 'TwitterProfile' THEN 'social' WHEN 'Instagram' THEN 'social'
        WHEN 'Tiktok' THEN 'social' END AS channel
FROM (
    SELECT from_json(unnest(items(json, '$.data.payload')), '{
        "id": "BIGINT", "created_at": "BIGINT", "updated_at": "DOUBLE",
        "last_activity_at": "BIGINT",
        "meta": {"sender": {"id": "BIGINT"}, "channel": "VARCHAR"}}') AS conversation
    FROM read_json_objects('${source}/conversations*.json*', maximum_object_size = 67108864)
)
WHERE conversation.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY conversation.id ORDER BY version DESC NULLS LAST) = 1;

-- `message_type`: 0 incoming, 1 outgoing, 2 activity, 3 template.
CREATE TEMP TABLE chatwoot_messages AS
SELECT message.*,
    CASE WHEN message.message_type = 1 AND (message.sender.type IS DISTINCT FROM 'user'
            OR message.content_attributes.automation_rule_id IS NOT NULL)
        THEN 'bot-' || coalesce(message.sender.type || '-' || message.sender.id, 'system')
        WHEN message.message_type = 1 THEN message.sender.id::VARCHAR END AS agent,
    CASE WHEN message.content_attributes.deleted IS NOT true THEN message.content END AS words
FROM (
    SELECT from_json(unnest(items(json, '$.payload')), '{
        "id": "BIGINT", "conversation_id": "BIGINT", "message_type": "BIGINT",
        "content_type": "VARCHAR", "content": "VARCHAR", "private": "BOOLEAN",
        "created_at": "BIGINT", "sender": {"id": "BIGINT", "type": "VARCHAR"},
        "content_attributes": {"deleted": "BOOLEAN", "automation_rule_id": "BIGINT"}}') AS message
    FROM read_json_objects('${source}/messages*.json*', maximum_object_size = 67108864)
)
WHERE message.id IS NOT NULL
-- A message that was deleted later says so in the later export.
QUALIFY row_number() OVER (PARTITION BY message.id
    ORDER BY coalesce(message.content_attributes.deleted, false) DESC) = 1;

CREATE TEMP TABLE chatwoot_ratings AS
SELECT DISTINCT ON (rating.id) rating.* FROM (
    SELECT from_json(unnest(items(json, '$.payload')), '{
        "id": "BIGINT", "rating": "BIGINT", "feedback_message": "VARCHAR",
        "conversation_id": "BIGINT", "contact": {"id": "BIGINT"}, "created_at": "BIGINT"}')
        AS rating
    FROM read_json_objects(
        '${source}/csat_survey_responses*.json*', maximum_object_size = 67108864)
)
WHERE rating.id IS NOT NULL;

-- A reporting event names its conversation by the database's number, all else by the number that
-- people see. So each conversation's events stand in a file named for the latter.
CREATE TEMP TABLE chatwoot_reporting AS
SELECT DISTINCT ON (event.id) conversation_id, event.* FROM (
    SELECT regexp_extract(filename, '([0-9]+)[.]json', 1)::BIGINT AS conversation_id,
        from_json(unnest(items(json, '$.payload')), '{
        "id": "BIGINT", "name": "VARCHAR", "value": "DOUBLE", "value_in_business_hours": "DOUBLE",
        "event_end_time": "TIMESTAMPTZ", "user_id": "BIGINT"}') AS event
    FROM read_json_objects('${source}/reporting_events/*.json*', filename = true,
        maximum_object_size = 67108864)
)
WHERE event.id IS NOT NULL
