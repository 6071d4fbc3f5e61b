-- The CSV files of a data export, one an object and named for it: `Account.csv`, also
-- `Account-2.csv`. An object or a field that the export lacks is empty. Times are in UTC where they
-- name no offset. One row in several exports: the newest counts.
CREATE TEMP MACRO rows_of(object, fields) AS TABLE
    SELECT to_json(export) AS line FROM (
        SELECT COLUMNS('^(' || fields || ')$')
        FROM read_csv('${source}/*.csv', filename = true, union_by_name = true, header = true,
            all_varchar = true, delim = ',', quote = '"', escape = '"', max_line_size = 16000000)
        WHERE regexp_matches(parse_filename(filename), '^' || object || '([-_. ]?\d+)?\.csv$')
    ) AS export;
CREATE TEMP MACRO as_time(word) AS try_cast(
    CASE WHEN regexp_matches(word, '(Z|[+-]\d\d:?\d\d)$') THEN word ELSE word || 'Z' END
    AS TIMESTAMPTZ);
CREATE TEMP MACRO is_yes(word) AS coalesce(lower(word) IN ('true', '1'), false);
CREATE TEMP MACRO version_of(line) AS as_time(coalesce(
    line->>'SystemModstamp', line->>'LastModifiedDate', line->>'CreatedDate'));

CREATE TEMP TABLE sf_accounts AS
SELECT
    line,
    line->>'Id' AS id,
    line->>'MasterRecordId' AS merged_into,
    is_yes(line->>'IsDeleted') AS deleted,
    version_of(line) AS version
FROM rows_of('Account', 'Id|MasterRecordId|Name|ParentId|Industry|BillingCountry|OwnerId|Phone|'
    || 'Type|Rating|NumberOfEmployees|AnnualRevenue|IsDeleted|CreatedDate|LastModifiedDate|'
    || 'SystemModstamp')
QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1;

CREATE TEMP TABLE sf_contacts AS
SELECT
    line,
    line->>'Id' AS id,
    line->>'AccountId' AS account,
    is_yes(line->>'IsDeleted') AS deleted,
    version_of(line) AS version
FROM rows_of('Contact', 'Id|AccountId|Name|FirstName|LastName|Email|Phone|MobilePhone|Title|'
    || 'HasOptedOutOfEmail|DoNotCall|IsDeleted|CreatedDate|LastModifiedDate|SystemModstamp')
QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1;

CREATE TEMP TABLE sf_users AS
SELECT line, line->>'Id' AS id, line->>'UserType' AS type, version_of(line) AS version
FROM rows_of('User', 'Id|Name|FirstName|LastName|Email|Department|IsActive|UserType|CreatedDate|'
    || 'LastModifiedDate|SystemModstamp')
QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1;

CREATE TEMP TABLE sf_cases AS
SELECT
    line,
    line->>'Id' AS id,
    line->>'AccountId' AS account,
    line->>'ContactId' AS contact,
    line->>'Origin' AS origin,
    line->>'Status' AS status,
    line->>'Type' AS type,
    is_yes(line->>'IsClosed') AS closed,
    as_time(line->>'ClosedDate') AS closed_at,
    as_time(line->>'CreatedDate') AS created_at,
    version_of(line) AS version,
    CASE WHEN is_yes(line->>'IsDeleted') THEN version END AS deleted_at
FROM rows_of('Case', 'Id|AccountId|ContactId|Origin|Status|Type|Subject|Description|IsClosed|'
    || 'ClosedDate|IsDeleted|CreatedDate|LastModifiedDate|SystemModstamp')
QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1;

-- Rows of field history. A change of a lookup stands twice, once with names and once with ids: the
-- ids are kept.
CREATE TEMP TABLE sf_changes AS
SELECT
    line->>'Id' AS id,
    object,
    coalesce(line->>'CaseId', line->>'AccountId', line->>'OpportunityId') AS parent,
    line->>'Field' AS field,
    line->>'OldValue' AS old,
    line->>'NewValue' AS new,
    line->>'CreatedById' AS author,
    as_time(line->>'CreatedDate') AS changed_at,
    is_yes(line->>'IsDeleted') AS deleted,
    coalesce((line->>'DataType') = 'EntityId', regexp_matches(
        coalesce(new, old), '^00[0-9A-Za-z]{13}([0-9A-Za-z]{3})?$'), false) AS by_id
FROM (
    SELECT 'Case' AS object, line FROM rows_of('CaseHistory',
        'Id|CaseId|Field|OldValue|NewValue|DataType|CreatedById|CreatedDate|IsDeleted')
    UNION ALL
    SELECT 'Account', line FROM rows_of('AccountHistory',
        'Id|AccountId|Field|OldValue|NewValue|DataType|CreatedById|CreatedDate|IsDeleted')
    UNION ALL
    SELECT 'Opportunity', line FROM rows_of('OpportunityFieldHistory',
        'Id|OpportunityId|Field|OldValue|NewValue|DataType|CreatedById|CreatedDate|IsDeleted')
)
QUALIFY row_number() OVER (PARTITION BY id) = 1;
DELETE FROM sf_changes USING sf_changes AS same
WHERE NOT sf_changes.by_id AND same.by_id AND same.object = sf_changes.object
    AND same.parent = sf_changes.parent AND same.field = sf_changes.field
    AND same.changed_at = sf_changes.changed_at;

CREATE TEMP TABLE sf_opportunities AS
SELECT line->>'Id' AS id, any_value(line->>'AccountId') AS account
FROM rows_of('Opportunity', 'Id|AccountId') GROUP BY id;

CREATE TEMP TABLE sf_comments AS
SELECT
    line, line->>'Id' AS id, line->>'ParentId' AS parent, line->>'CreatedById' AS author,
    is_yes(line->>'IsPublished') AS published, as_time(line->>'CreatedDate') AS created_at,
    version_of(line) AS version, is_yes(line->>'IsDeleted') AS deleted
FROM rows_of('CaseComment', 'Id|ParentId|CommentBody|IsPublished|IsDeleted|CreatedById|'
    || 'CreatedDate|LastModifiedDate|SystemModstamp')
QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1;

CREATE TEMP TABLE sf_emails AS
SELECT
    line, line->>'Id' AS id, line->>'ParentId' AS parent, line->>'RelatedToId' AS related,
    line->>'CreatedById' AS author, is_yes(line->>'Incoming') AS incoming,
    -- 5 is a draft: developer.salesforce.com, EmailMessage.Status
    (line->>'Status') IN ('5', 'Draft') AS draft,
    as_time(coalesce(line->>'MessageDate', line->>'CreatedDate')) AS sent_at,
    as_time(line->>'CreatedDate') AS created_at,
    version_of(line) AS version, is_yes(line->>'IsDeleted') AS deleted
FROM rows_of('EmailMessage', 'Id|ParentId|RelatedToId|Incoming|Status|TextBody|MessageDate|'
    || 'IsDeleted|CreatedById|CreatedDate|LastModifiedDate|SystemModstamp')
QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1;

-- Calls and meetings. The account is the one that the activity is about, or its person's.
CREATE TEMP TABLE sf_activities AS
SELECT
    activity.*,
    coalesce(
        activity.line->>'AccountId', sf_accounts.id, sf_cases.account, sf_opportunities.account,
        sf_contacts.account
    ) AS account,
    sf_cases.id AS "case",
    sf_contacts.id AS contact
FROM (
    SELECT 'Task' AS object, * FROM rows_of('Task', 'Id|AccountId|WhatId|WhoId|OwnerId|Status|'
        || 'IsClosed|TaskSubtype|CallType|CallDurationInSeconds|CompletedDateTime|IsDeleted|'
        || 'CreatedDate|LastModifiedDate|SystemModstamp')
    UNION ALL
    SELECT 'Event', * FROM rows_of('Event', 'Id|AccountId|WhatId|WhoId|OwnerId|StartDateTime|'
        || 'EndDateTime|IsChild|IsRecurrence|IsDeleted|CreatedDate|LastModifiedDate|'
        || 'SystemModstamp')
) AS activity
LEFT JOIN sf_accounts ON sf_accounts.id = (activity.line->>'WhatId')
LEFT JOIN sf_cases ON sf_cases.id = (activity.line->>'WhatId')
LEFT JOIN sf_opportunities ON sf_opportunities.id = (activity.line->>'WhatId')
LEFT JOIN sf_contacts ON sf_contacts.id = (activity.line->>'WhoId')
QUALIFY row_number() OVER (
    PARTITION BY activity.line->>'Id' ORDER BY version_of(activity.line) DESC) = 1;

-- How far the export reaches: what is planned for later has not happened yet.
CREATE TEMP TABLE sf_reach AS
SELECT max(version) AS "until" FROM (
    SELECT version FROM sf_accounts UNION ALL SELECT version FROM sf_cases
    UNION ALL SELECT version FROM sf_contacts UNION ALL SELECT version_of(line) FROM sf_activities
    UNION ALL SELECT changed_at FROM sf_changes UNION ALL SELECT version FROM sf_emails
);

-- What a status of a case means. An organisation names its own: closed is what its closed cases
-- have now; that the customer is waited for, these names tell.
CREATE TEMP TABLE sf_statuses AS
SELECT DISTINCT status, 'closed' AS means FROM sf_cases WHERE closed AND status IS NOT NULL
UNION SELECT 'Closed', 'closed'
UNION SELECT unnest(['Pending', 'Waiting on Customer', 'Awaiting Customer', 'Waiting for Customer',
    'Customer Response Needed', 'Awaiting Customer Response', 'Pending Customer']), 'pending'
UNION SELECT 'Escalated', 'escalated';

-- What becomes of each change of a case; NULL: nothing.
CREATE TEMP TABLE sf_case_changes AS
SELECT sf_changes.*, CASE
    WHEN field = 'Status' AND is_now.means = 'closed' AND was.means IS DISTINCT FROM 'closed'
        THEN 'case_solved'
    WHEN field = 'Status' AND was.means = 'closed' AND is_now.means IS DISTINCT FROM 'closed'
        THEN 'case_reopened'
    WHEN field = 'Status' AND is_now.means = 'pending' THEN 'case_pending'
    WHEN field = 'Status' AND is_now.means = 'escalated' THEN 'case_escalated'
    WHEN field = 'IsEscalated' AND is_yes(new) THEN 'case_escalated'
    -- 005 is a person, 00G a queue. From one person to another is a transfer.
    WHEN field = 'Owner' AND by_id AND starts_with(old, '005') THEN 'case_transferred'
    WHEN field = 'Owner' AND by_id AND starts_with(new, '005') THEN 'case_assigned'
END AS kind
FROM sf_changes
LEFT JOIN sf_statuses AS was ON was.status = old
LEFT JOIN sf_statuses AS is_now ON is_now.status = new
WHERE object = 'Case'
