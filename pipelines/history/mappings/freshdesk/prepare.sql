-- Freshdesk's exports as tables. A file may be an answer of the API as it came (an array), or a
-- line a record; of a ticket or a contact in several files the newest version counts.
CREATE TEMP MACRO items(page, path) AS
    CASE WHEN json_exists(page, path) THEN json_extract(page, path || '[*]') ELSE [page] END;

CREATE TEMP TABLE freshdesk_companies AS
SELECT company.* FROM (
    SELECT from_json(json, '{"id": "BIGINT", "name": "VARCHAR", "created_at": "TIMESTAMPTZ",
        "updated_at": "TIMESTAMPTZ"}') AS company
    FROM read_json_objects('${source}/companies*.json*', maximum_object_size = 67108864)
)
WHERE company.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY company.id ORDER BY company.updated_at DESC) = 1;

CREATE TEMP TABLE freshdesk_contacts AS
SELECT contact.* FROM (
    SELECT from_json(json, '{"id": "BIGINT", "unique_external_id": "VARCHAR", "name": "VARCHAR",
        "email": "VARCHAR", "phone": "VARCHAR", "mobile": "VARCHAR", "job_title": "VARCHAR",
        "company_id": "BIGINT", "language": "VARCHAR", "deleted": "BOOLEAN",
        "created_at": "TIMESTAMPTZ", "updated_at": "TIMESTAMPTZ"}') AS contact
    FROM read_json_objects('${source}/contacts*.json*', maximum_object_size = 67108864)
)
WHERE contact.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY contact.id ORDER BY contact.updated_at DESC) = 1;

CREATE TEMP TABLE freshdesk_agents AS
SELECT agent.* FROM (
    SELECT from_json(json, '{"id": "BIGINT", "group_ids": ["BIGINT"],
        "created_at": "TIMESTAMPTZ", "updated_at": "TIMESTAMPTZ"}') AS agent
    FROM read_json_objects('${source}/agents*.json*', maximum_object_size = 67108864)
)
WHERE agent.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY agent.id ORDER BY agent.updated_at DESC) = 1;

-- The customer of a ticket is the company it stands under, else its requester. A contact's
-- `unique_external_id` is your own key; a company has none.
CREATE TEMP TABLE freshdesk_people AS
SELECT id AS contact_id,
    coalesce(nullif(unique_external_id, ''), 'freshdesk-contact-' || id) AS own_id,
    coalesce('freshdesk-company-' || company_id, own_id) AS customer_id
FROM freshdesk_contacts;

CREATE TEMP TABLE freshdesk_tickets AS
SELECT ticket.* FROM (
    SELECT from_json(json, '{"id": "BIGINT", "requester_id": "BIGINT", "company_id": "BIGINT",
        "source": "BIGINT", "type": "VARCHAR", "description_text": "VARCHAR",
        "deleted": "BOOLEAN", "spam": "BOOLEAN", "created_at": "TIMESTAMPTZ",
        "updated_at": "TIMESTAMPTZ",
        "stats": {"first_responded_at": "TIMESTAMPTZ", "resolved_at": "TIMESTAMPTZ"}}') AS ticket
    FROM read_json_objects('${source}/tickets*.json*', maximum_object_size = 67108864)
)
WHERE ticket.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY ticket.id ORDER BY ticket.updated_at DESC) = 1;

CREATE TEMP TABLE freshdesk_conversations AS
SELECT conversation.* FROM (
    SELECT from_json(json, '{"id": "BIGINT", "ticket_id": "BIGINT", "user_id": "BIGINT",
        "incoming": "BOOLEAN", "private": "BOOLEAN", "source": "BIGINT",
        "body_text": "VARCHAR", "created_at": "TIMESTAMPTZ", "updated_at": "TIMESTAMPTZ"}')
        AS conversation
    FROM read_json_objects('${source}/conversations*.json*', maximum_object_size = 67108864)
)
WHERE conversation.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY conversation.id ORDER BY conversation.updated_at DESC) = 1;

CREATE TEMP TABLE freshdesk_ratings AS
SELECT rating.* FROM (
    SELECT from_json(json, '{"id": "BIGINT", "ticket_id": "BIGINT", "user_id": "BIGINT",
        "feedback": "VARCHAR", "ratings": {"default_question": "BIGINT"},
        "created_at": "TIMESTAMPTZ", "updated_at": "TIMESTAMPTZ"}') AS rating
    FROM read_json_objects('${source}/satisfaction_ratings*.json*', maximum_object_size = 67108864)
)
WHERE rating.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY rating.id ORDER BY rating.updated_at DESC) = 1;

-- The daily export of activities: no ids, times with the day first. Equal rows are one.
CREATE TEMP TABLE freshdesk_activities AS
WITH told AS (
    SELECT from_json(unnest(items(json, '$.activities_data')), '{
        "performed_at": "VARCHAR", "ticket_id": "BIGINT", "performer_type": "VARCHAR",
        "performer_id": "BIGINT", "activity": "JSON"}') AS line
    FROM read_json_objects('${source}/ticket_activities*.json*', maximum_object_size = 67108864)
)
SELECT DISTINCT
    line.ticket_id || '-' || left(md5(concat_ws(' ', line.performed_at, line.performer_type,
        line.performer_id, json(line.activity))), 20) AS id,
    line.ticket_id AS ticket_id,
    strptime(line.performed_at, '%d-%m-%Y %H:%M:%S %z') AS happened,
    CASE line.performer_type WHEN 'system' THEN 'system' ELSE line.performer_id::VARCHAR END
        AS performer,
    line.activity AS activity
FROM told WHERE line.ticket_id IS NOT NULL
