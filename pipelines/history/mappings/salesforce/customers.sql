-- Type, rating, employees, revenue and the like are today's and have no date: what they were comes
-- from AccountHistory (attributes.sql). Industry and country count from when they are first seen.
SELECT
    id AS customer_id,
    as_time(line->>'CreatedDate') AS joined_at,
    line->>'ParentId' AS parent_id,
    line->>'Industry' AS segment,
    line->>'BillingCountry' AS region,
    line->>'OwnerId' AS owner_id,
    line->>'Name' AS name,
    line->>'Phone' AS phone,
    version AS updated_at,
    CASE WHEN deleted THEN version END AS deleted_at,
    'salesforce' AS source
FROM sf_accounts
