-- Ends are read from the subscriptions; the churn events agree with the accounts' own flag for 38%.
SELECT 'churn events' AS reason, count(*) AS rows
FROM read_csv('${source}/ravenstack_churn_events.csv')
UNION ALL
SELECT 'use of nothing (usage_count 0)', count(*)
FROM read_csv('${source}/ravenstack_feature_usage.csv') WHERE usage_count = 0
