-- Each product event is use; what was done is the topic. Ids are made from the content, and equal
-- events of one second stay apart.
SELECT
    account_id AS customer_id,
    event_time AS occurred_at,
    'usage' AS kind,
    event_type_name AS topic
FROM read_parquet('${source}/event.parquet') AS event
JOIN read_csv('${source}/event_type.csv') AS event_type USING (event_type_id)
