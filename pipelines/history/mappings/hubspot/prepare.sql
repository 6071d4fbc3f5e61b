-- Records as the CRM API gives them: a page ({"results": [...]}), an array, or one record a line.
-- The name of a file says what is in it: `companies*.json`, `tickets*.json`, ... A record in two
-- files: the newest counts. Properties are texts; times are ISO 8601 or milliseconds since 1970.
CREATE TEMP MACRO hs_time(word) AS CASE
    WHEN regexp_matches(word, '^\d+$') THEN make_timestamptz(word::BIGINT * 1000)
    ELSE try_cast(nullif(word, '') AS TIMESTAMPTZ)
END;
-- A record may be linked to several companies: the primary one, or else the first.
CREATE TEMP MACRO linked(record, links) AS coalesce(
    list_filter(json_extract(record, links), lambda link: contains(link->>'type', 'primary'))[1],
    json_extract(record, links)[1]
)->>'id';

CREATE TEMP TABLE hs_records AS
WITH pages AS (
    SELECT
        regexp_extract(parse_filename(filename), '^[a-z_]*[a-z]') AS what,
        unnest(CASE
            WHEN json_exists(json, '$.results') THEN json_extract(json, '$.results[*]')
            ELSE [json]
        END) AS record
    FROM read_json_objects(
        '${source}/*.json*', filename = true, maximum_object_size = 67108864)
    WHERE regexp_matches(parse_filename(filename), '^(companies|contacts|tickets|calls|emails|'
        || 'meetings|notes|feedback_submissions|owners|pipelines)([^a-z].*)?\.jsonl?(\.gz)?$')
)
SELECT
    what,
    record,
    record->>'id' AS id,
    record->'properties' AS properties,
    hs_time(record->>'createdAt') AS created_at,
    greatest(hs_time(record->>'updatedAt'), hs_time(record->>'archivedAt'), created_at) AS version,
    CASE WHEN (record->>'archived') = 'true' THEN version END AS deleted_at,
    linked(record, '$.associations.companies.results[*]') AS to_company,
    linked(record, '$.associations.contacts.results[*]') AS to_contact,
    linked(record, '$.associations.tickets.results[*]') AS to_ticket
FROM pages
WHERE id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY what, id ORDER BY version DESC NULLS LAST) = 1;

-- Every value that a property had, oldest first.
CREATE TEMP TABLE hs_changes AS
WITH properties AS (
    SELECT what, id, record, unnest(json_keys(record->'propertiesWithHistory')) AS property
    FROM hs_records WHERE json_type(record->'propertiesWithHistory') = 'OBJECT'
),
changes AS (
    SELECT what, id, property,
        unnest(json_extract(record->'propertiesWithHistory', property)::JSON[]) AS change
    FROM properties
)
SELECT
    what, id, property,
    nullif(change->>'value', '') AS value,
    hs_time(change->>'timestamp') AS changed_at,
    change->>'updatedByUserId' AS user_id,
    row_number() OVER place AS place,
    lag(nullif(change->>'value', '')) OVER place AS previous
FROM changes
WINDOW place AS (PARTITION BY what, id, property ORDER BY hs_time(change->>'timestamp'));

-- A company is a customer from the day it became one. Where nobody keeps the stage, all are.
CREATE TEMP TABLE hs_customers AS
WITH became AS (
    SELECT id, min(changed_at) AS became FROM hs_changes
    WHERE what = 'companies' AND property = 'lifecyclestage' AND value = 'customer' GROUP BY id
),
companies AS (
    SELECT
        hs_records.*,
        coalesce(hs_time(properties->>'createdate'), created_at) AS first_known,
        coalesce(hs_time(properties->>'hs_lifecyclestage_customer_date'), became) AS became,
        (properties->>'lifecyclestage') IN ('customer', 'evangelist') AS is_customer,
        max(properties->>'lifecyclestage') OVER () IS NOT NULL AS staged
    FROM hs_records LEFT JOIN became USING (id) WHERE what = 'companies'
)
SELECT *, coalesce(became, first_known) AS joined_at FROM companies
WHERE became IS NOT NULL OR is_customer OR NOT staged;

CREATE TEMP TABLE hs_contacts AS
SELECT *, coalesce(nullif(properties->>'associatedcompanyid', ''), to_company) AS company
FROM hs_records WHERE what = 'contacts';

CREATE TEMP TABLE hs_tickets AS
SELECT
    hs_records.*,
    coalesce(hs_records.to_company, hs_contacts.company) AS company,
    coalesce(hs_time(hs_records.properties->>'createdate'), hs_records.created_at) AS opened_at,
    hs_time(hs_records.properties->>'closed_date') AS closed_at
FROM hs_records LEFT JOIN hs_contacts ON hs_contacts.id = hs_records.to_contact
WHERE hs_records.what = 'tickets';

-- Calls, e-mails, meetings and answers, with whose they are.
CREATE TEMP TABLE hs_engagements AS
SELECT
    engagement.* EXCLUDE (to_company),
    coalesce(engagement.to_company, hs_tickets.company, hs_contacts.company) AS company,
    hs_tickets.id AS ticket,
    hs_contacts.id AS contact,
    hs_tickets.opened_at AS ticket_opened_at
FROM (
    SELECT * REPLACE (
        coalesce(to_contact, properties->>'hs_contact_id') AS to_contact,
        coalesce(to_ticket, properties->>'hs_ticket_id') AS to_ticket
    ) FROM hs_records
    WHERE what IN ('calls', 'emails', 'meetings', 'feedback_submissions')
) AS engagement
LEFT JOIN hs_tickets ON hs_tickets.id = engagement.to_ticket
LEFT JOIN hs_contacts ON hs_contacts.id = engagement.to_contact;

-- What a stage of a ticket means: pipelines*.json tells, else HubSpot's own four.
CREATE TEMP TABLE hs_stages AS
WITH told AS (
    SELECT unnest(json_extract(record, '$.stages[*]')) AS stage
    FROM hs_records WHERE what = 'pipelines'
),
named AS (
    SELECT stage->>'id' AS stage, CASE
        WHEN (stage->>'$.metadata.ticketState') = 'CLOSED'
            OR (stage->>'$.metadata.isClosed') = 'true' THEN 'closed'
        WHEN regexp_matches(lower(stage->>'label'),
            '(waiting (on|for) (the )?(contact|customer))|pending')
            THEN 'pending'
    END AS means
    FROM told
)
SELECT * FROM named
UNION ALL
SELECT *
FROM (VALUES ('1', NULL), ('2', 'pending'), ('3', NULL), ('4', 'closed')) AS own (stage, means)
WHERE stage NOT IN (SELECT stage FROM named)
