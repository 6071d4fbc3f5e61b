-- Zendesk's exports as tables. A file may be an answer of the API as it came ({"tickets": [...]}),
-- an array, or a line a record; `tickets*.json` may be many files, the newest version counts.
CREATE TEMP MACRO items(page, path) AS
    CASE WHEN json_exists(page, path) THEN json_extract(page, path || '[*]') ELSE [page] END;

CREATE TEMP TABLE zendesk_tickets AS
SELECT ticket.*,
    -- `updated_at` stands still when the system itself changes a ticket; this does not.
    coalesce(to_timestamp(ticket.generated_timestamp), ticket.updated_at) AS version
FROM (
    SELECT from_json(unnest(items(json, '$.tickets')), '{
        "id": "BIGINT", "created_at": "TIMESTAMPTZ", "updated_at": "TIMESTAMPTZ",
        "generated_timestamp": "BIGINT", "status": "VARCHAR", "requester_id": "BIGINT",
        "submitter_id": "BIGINT", "organization_id": "BIGINT",
        "via": {"channel": "VARCHAR", "source": {"rel": "VARCHAR"}},
        "metric_set": "JSON"}') AS ticket
    FROM read_json_objects('${source}/tickets*.json*', maximum_object_size = 67108864)
)
WHERE ticket.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY ticket.id ORDER BY version DESC NULLS LAST) = 1;

CREATE TEMP TABLE zendesk_users AS
SELECT person.*
FROM (
    SELECT from_json(unnest(items(json, '$.users')), '{
        "id": "BIGINT", "external_id": "VARCHAR", "name": "VARCHAR", "email": "VARCHAR",
        "phone": "VARCHAR", "role": "VARCHAR", "organization_id": "BIGINT", "locale": "VARCHAR",
        "iana_time_zone": "VARCHAR", "tags": ["VARCHAR"], "active": "BOOLEAN",
        "suspended": "BOOLEAN", "default_group_id": "BIGINT", "created_at": "TIMESTAMPTZ",
        "updated_at": "TIMESTAMPTZ"}') AS person
    FROM read_json_objects('${source}/users*.json*', maximum_object_size = 67108864)
)
WHERE person.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY person.id ORDER BY person.updated_at DESC NULLS LAST) = 1;

CREATE TEMP TABLE zendesk_organizations AS
SELECT organization.*
FROM (
    SELECT from_json(unnest(items(json, '$.organizations')), '{
        "id": "BIGINT", "external_id": "VARCHAR", "name": "VARCHAR", "created_at": "TIMESTAMPTZ",
        "updated_at": "TIMESTAMPTZ", "deleted_at": "TIMESTAMPTZ"}') AS organization
    FROM read_json_objects('${source}/organizations*.json*', maximum_object_size = 67108864)
)
WHERE organization.id IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY organization.id ORDER BY organization.updated_at DESC NULLS LAST) = 1;

-- The customer of a ticket is the organisation it stands under, else its requester. Your own key
-- (`external_id`) names it where Zendesk knows it.
CREATE TEMP TABLE zendesk_customers AS
SELECT id AS organization_id, NULL::BIGINT AS user_id,
    coalesce(nullif(external_id, ''), 'zendesk-organization-' || id) AS customer_id
FROM zendesk_organizations
UNION ALL
SELECT NULL, id, coalesce(nullif(external_id, ''), 'zendesk-user-' || id) FROM zendesk_users;

CREATE TEMP TABLE zendesk_cases AS
SELECT tickets.id AS ticket_id, tickets.*,
    coalesce(firm.customer_id, person.customer_id) AS customer_id,
    requester.suspended IS true AS spam,
    CASE WHEN tickets.status = 'deleted' THEN tickets.version
        WHEN requester.suspended THEN requester.updated_at END AS deleted_at
FROM zendesk_tickets AS tickets
LEFT JOIN zendesk_customers AS firm ON firm.organization_id = tickets.organization_id
LEFT JOIN zendesk_customers AS person ON person.user_id = tickets.requester_id
LEFT JOIN zendesk_users AS requester ON requester.id = tickets.requester_id;

-- Every event of a ticket, from its audits and from the incremental ticket events, which tell the
-- same with the same ids. An event without a `via` of its own has its audit's.
CREATE TEMP TABLE zendesk_events AS
WITH audits AS (
    SELECT audit.* FROM (
        SELECT from_json(unnest(items(json, '$.audits')), '{
            "id": "BIGINT", "ticket_id": "BIGINT", "created_at": "TIMESTAMPTZ",
            "author_id": "BIGINT", "via": "JSON", "events": ["JSON"]}') AS audit
        FROM read_json_objects('${source}/ticket_audits*.json*', maximum_object_size = 67108864))
    UNION ALL
    SELECT audit.id, audit.ticket_id, coalesce(audit.created_at, to_timestamp(audit.timestamp)),
        audit.updater_id, audit.via, audit.child_events
    FROM (
        SELECT from_json(unnest(items(json, '$.ticket_events')), '{
            "id": "BIGINT", "ticket_id": "BIGINT", "created_at": "TIMESTAMPTZ",
            "timestamp": "BIGINT", "updater_id": "BIGINT", "via": "JSON",
            "child_events": ["JSON"]}') AS audit
        FROM read_json_objects('${source}/ticket_events*.json*', maximum_object_size = 67108864))
),
events AS (
    SELECT id AS audit_id, ticket_id, created_at AS happened, author_id, via,
        unnest(events) AS event
    FROM audits WHERE id IS NOT NULL
),
told AS (
    SELECT audit_id, ticket_id, happened, (event->>'$.id')::BIGINT AS event_id,
        -- In a ticket event `type` may be the ticket's own: question, problem.
        coalesce(event->>'$.event_type', event->>'$.type') AS type, event,
        coalesce((event->>'$.author_id')::BIGINT, author_id) AS event_author,
        lower(coalesce(event->>'$.via.channel', CASE WHEN json_type(event->'$.via') = 'VARCHAR'
            THEN event->>'$.via' END, via->>'$.channel', via->>'$')) AS channel,
        coalesce(event->>'$.via.source.rel', via->>'$.source.rel') AS rel
    FROM events
)
SELECT *, channel = 'rule' OR event_author = -1 AS by_rule,
    count(*) FILTER (type = 'Create') OVER (PARTITION BY audit_id) > 0 AS creation
FROM told
QUALIFY row_number() OVER (PARTITION BY ticket_id, event_id ORDER BY happened) = 1;

-- What a field became, and had been. An audit names the field; a ticket event has it as a key.
CREATE TEMP TABLE zendesk_changes AS
WITH fields (field) AS (
    VALUES ('status'), ('assignee_id'), ('group_id'), ('priority'), ('satisfaction_score')
)
SELECT zendesk_events.* EXCLUDE (event), field,
    CASE WHEN event->>'$.field_name' = field THEN event->>'$.value'
        ELSE json_extract_string(event, '$.' || field) END AS value,
    event->>'$.previous_value' AS previous
FROM zendesk_events CROSS JOIN fields
WHERE type IN ('Create', 'Change')
    AND (event->>'$.field_name' = field OR json_exists(event, '$.' || field))
UNION ALL
SELECT * EXCLUDE (event), 'satisfaction_score', event->>'$.score', NULL
FROM zendesk_events WHERE type = 'SatisfactionRating';

CREATE TEMP TABLE zendesk_comments AS
SELECT zendesk_events.* EXCLUDE (event),
    coalesce((event->>'$.public')::BOOLEAN, (event->>'$.comment_public')::BOOLEAN, false)
        AS public,
    coalesce(event->>'$.plain_body', event->>'$.body') AS words,
    (event->>'$.data.call_duration')::DOUBLE AS call_seconds,
    (event->>'$.data.answered_by_id')::BIGINT AS answered_by,
    coalesce(users.role, CASE WHEN event_author = requester_id THEN 'end-user' END) AS role,
    coalesce(rel = 'merge', false) AS by_merge
FROM zendesk_events
LEFT JOIN zendesk_cases USING (ticket_id)
LEFT JOIN zendesk_users AS users ON users.id = event_author
WHERE type IN ('Comment', 'VoiceComment');

CREATE TEMP TABLE zendesk_ratings AS
SELECT rating.*
FROM (
    SELECT from_json(unnest(items(json, '$.satisfaction_ratings')), '{
        "id": "BIGINT", "ticket_id": "BIGINT", "score": "VARCHAR", "comment": "VARCHAR",
        "updated_at": "TIMESTAMPTZ"}') AS rating
    FROM read_json_objects('${source}/satisfaction_ratings*.json*', maximum_object_size = 67108864)
)
WHERE rating.id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY rating.id ORDER BY rating.updated_at DESC) = 1;

CREATE TEMP TABLE zendesk_metric_events AS
SELECT DISTINCT ON (metric.id) metric.*
FROM (
    SELECT from_json(unnest(items(json, '$.ticket_metric_events')), '{
        "id": "BIGINT", "ticket_id": "BIGINT", "metric": "VARCHAR", "instance_id": "BIGINT",
        "type": "VARCHAR", "time": "TIMESTAMPTZ", "deleted": "BOOLEAN"}') AS metric
    FROM read_json_objects('${source}/ticket_metric_events*.json*', maximum_object_size = 67108864)
)
WHERE metric.id IS NOT NULL
