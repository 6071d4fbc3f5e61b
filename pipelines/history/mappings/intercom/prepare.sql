-- Intercom's exports as tables. A file may be an answer of the API as it came, an array, or a line
-- a record. All its times are seconds since 1970 UTC.
CREATE TEMP MACRO items(page, path) AS
    CASE WHEN json_exists(page, path) THEN json_extract(page, path || '[*]') ELSE [page] END;

CREATE TEMP TABLE intercom_companies AS
SELECT company.* FROM (
    SELECT from_json(unnest(items(json, '$.data')), '{
        "id": "VARCHAR", "company_id": "VARCHAR", "name": "VARCHAR", "created_at": "BIGINT",
        "updated_at": "BIGINT"}') AS company
    FROM read_json_objects('${source}/companies*.json*', maximum_object_size = 67108864)
)
WHERE company.id IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY company.id ORDER BY company.updated_at DESC NULLS LAST) = 1;

CREATE TEMP TABLE intercom_contacts AS
SELECT contact.* FROM (
    SELECT from_json(unnest(items(json, '$.data')), '{
        "id": "VARCHAR", "external_id": "VARCHAR", "role": "VARCHAR", "name": "VARCHAR",
        "email": "VARCHAR", "phone": "VARCHAR", "language_override": "VARCHAR",
        "created_at": "BIGINT", "updated_at": "BIGINT",
        "companies": {"data": [{"id": "VARCHAR"}]}}') AS contact
    FROM read_json_objects('${source}/contacts*.json*', maximum_object_size = 67108864)
)
WHERE contact.id IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY contact.id ORDER BY contact.updated_at DESC NULLS LAST) = 1;

-- The customer is the first company of a contact, else the contact. Your own keys (`company_id`,
-- `external_id`) name them where Intercom knows them.
CREATE TEMP TABLE intercom_people AS
SELECT contacts.id AS contact_id, companies.id AS company,
    coalesce(nullif(companies.company_id, ''), 'intercom-company-' || companies.id,
        nullif(contacts.external_id, ''), 'intercom-contact-' || contacts.id) AS customer_id
FROM intercom_contacts AS contacts
LEFT JOIN intercom_companies AS companies ON companies.id = contacts.companies.data[1].id;

CREATE TEMP TABLE intercom_admins AS
SELECT DISTINCT ON (admin.id) admin.* FROM (
    SELECT from_json(unnest(items(json, '$.admins')), '{
        "id": "VARCHAR", "team_ids": ["VARCHAR"]}') AS admin
    FROM read_json_objects('${source}/admins*.json*', maximum_object_size = 67108864)
)
WHERE admin.id IS NOT NULL;

CREATE TEMP TABLE intercom_conversations AS
SELECT conversation.* FROM (
    SELECT from_json(unnest(items(json, '$.conversations')), '{
        "id": "VARCHAR", "created_at": "BIGINT", "updated_at": "BIGINT",
        "source": {"type": "VARCHAR", "body": "VARCHAR", "author": {"type": "VARCHAR",
            "id": "VARCHAR"}},
        "contacts": {"contacts": [{"id": "VARCHAR"}]},
        "conversation_rating": {"rating": "BIGINT", "remark": "VARCHAR", "created_at": "BIGINT",
            "updated_at": "BIGINT"},
        "statistics": {"time_to_admin_reply": "DOUBLE", "time_to_last_close": "DOUBLE",
            "first_contact_reply_at": "BIGINT", "first_admin_reply_at": "BIGINT",
            "last_close_at": "BIGINT", "count_reopens": "BIGINT"},
        "conversation_parts": {"total_count": "BIGINT", "conversation_parts": [{
            "id": "VARCHAR", "part_type": "VARCHAR", "body": "VARCHAR", "created_at": "BIGINT",
            "redacted": "BOOLEAN", "assigned_to": {"type": "VARCHAR", "id": "VARCHAR"},
            "author": {"type": "VARCHAR", "id": "VARCHAR", "from_ai_agent": "BOOLEAN"}}]}}')
        AS conversation
    FROM read_json_objects('${source}/conversations*.json*', maximum_object_size = 67108864)
)
WHERE conversation.id IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY conversation.id ORDER BY conversation.updated_at DESC NULLS LAST) = 1;

-- Parts, with who wrote them: `person` a customer's contact, `agent` one of us or a bot of ours.
CREATE TEMP TABLE intercom_parts AS
WITH parts AS (
    SELECT id AS conversation_id, unnest(conversation_parts.conversation_parts) AS part
    FROM intercom_conversations
)
SELECT conversation_id, part.id AS part_id, part.part_type AS part_type,
    part.created_at AS happened, part.author.type IN ('user', 'lead', 'contact') AS by_customer,
    CASE WHEN part.author.type IN ('user', 'lead', 'contact') THEN part.author.id END AS person,
    CASE WHEN part.author.type = 'bot' OR part.author.from_ai_agent
        THEN 'bot-' || part.author.id
        WHEN part.author.type = 'admin' THEN part.author.id END AS agent,
    part.assigned_to.id AS assigned_to,
    part.part_type LIKE '%note%' AS private,
    -- Words that the customer reads; `close` and `open` may carry some.
    part.part_type IN ('comment', 'open', 'close', 'quick_reply')
        AND coalesce(part.body, '') <> '' AS spoken,
    CASE WHEN part.redacted IS NOT true
        THEN trim(regexp_replace(part.body, '<[^>]*>', ' ', 'g')) END AS words
FROM parts
QUALIFY row_number() OVER (PARTITION BY part.id ORDER BY part.created_at) = 1
