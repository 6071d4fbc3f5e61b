-- An account has ten subscriptions at once, and the end of one is not the end of the account: what
-- tells that is `churn_events`. So a term is a stretch of the relationship: from signing up, or from
-- the first subscription after having left, until the account leaves. Many come back.
WITH churns AS (
    SELECT DISTINCT account_id, churn_date FROM read_csv('${source}/ravenstack_churn_events.csv')
),
subscriptions AS (SELECT * FROM read_csv('${source}/ravenstack_subscriptions.csv')),
returns AS (
    SELECT
        account_id,
        churn_date,
        lead(churn_date) OVER (PARTITION BY account_id ORDER BY churn_date) AS next_churn,
        (
            SELECT min(start_date) FROM subscriptions
            WHERE subscriptions.account_id = churns.account_id AND start_date > churn_date
        ) AS back
    FROM churns
),
stretches AS (
    SELECT account_id, signup_date AS started_at, min(churn_date) AS ended_at
    FROM read_csv('${source}/ravenstack_accounts.csv') LEFT JOIN churns USING (account_id)
    GROUP BY ALL
    UNION ALL
    -- Whoever leaves again before any new subscription never came back.
    SELECT account_id, back, next_churn FROM returns
    WHERE back IS NOT NULL AND (next_churn IS NULL OR back < next_churn)
)
SELECT
    account_id AS customer_id,
    account_id || ' ' || started_at AS term_id,
    -- What ran in its first month: later sales were not known then.
    (
        SELECT sum(mrr_amount) FROM subscriptions
        WHERE subscriptions.account_id = stretches.account_id
            AND start_date <= started_at + 31 AND (end_date IS NULL OR end_date > started_at)
    ) AS value_per_month,
    'USD' AS currency,
    started_at,
    ended_at,
    CASE WHEN ended_at IS NOT NULL THEN 'cancelled' END AS end_kind
FROM stretches
