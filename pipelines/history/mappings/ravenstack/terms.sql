-- A subscription is a term. Every one that has an end was cancelled (`churn_flag` agrees).
SELECT
    account_id AS customer_id,
    subscription_id AS term_id,
    plan_tier AS product,
    mrr_amount AS value_per_month,
    'USD' AS currency,
    start_date AS started_at,
    end_date AS ended_at,
    CASE WHEN end_date IS NOT NULL THEN 'cancelled' END AS end_kind
FROM read_csv('${source}/ravenstack_subscriptions.csv')
