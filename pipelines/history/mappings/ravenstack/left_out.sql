-- Subscriptions are summed up in the value of a term; use of nothing is no use.
SELECT 'use of nothing (usage_count 0)' AS reason, count(*) AS rows
FROM read_csv('${source}/ravenstack_feature_usage.csv') WHERE usage_count = 0
