-- One row an event of a ticket: case, activity, resource, time, customer. The first event of a
-- case stands twice: as the opening, and as what it was. Ids are made from the content.
WITH events AS (
    SELECT
        customer AS customer_id,
        "Case ID" AS case_id,
        "Activity" AS activity,
        "Resource" AS agent_id,
        "Complete Timestamp" AS occurred_at,
        product AS topic,
        row_number() OVER (PARTITION BY customer, "Case ID" ORDER BY "Complete Timestamp") AS place
    FROM read_csv('${source}/*.csv*', header = true)
),
kinds (activity, kind) AS (
    VALUES
        ('Assign seriousness', 'case_assigned'),    -- triaged: it has an urgency and a queue
        ('Take in charge ticket', 'case_assigned'), -- a person has it
        ('Wait', 'case_pending'),
        ('Require upgrade', 'case_escalated'),
        ('Create SW anomaly', 'case_escalated'),    -- handed to development
        ('Schedule intervention', 'promise_made'),
        ('Resolve SW anomaly', 'case_solved'),
        ('Resolve ticket', 'case_solved'),
        ('RESOLVED', 'case_solved'),
        ('VERIFIED', 'case_closed'),
        ('INVALID', 'case_closed'),
        ('DUPLICATE', 'case_closed'),
        ('Closed', 'case_closed')
)
SELECT customer_id, case_id, occurred_at, 'case_opened' AS kind, NULL AS agent_id, topic
FROM events WHERE place = 1
UNION ALL
SELECT customer_id, case_id, occurred_at, coalesce(kind, activity), agent_id, topic
FROM events LEFT JOIN kinds USING (activity)
WHERE activity <> 'Insert ticket'  -- the opening itself
