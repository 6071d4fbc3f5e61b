-- `churn_flag` is the end, known today and not then: it is left out. Plan, seats and trial are
-- today's too: they come along as attributes, which count from the day they are first seen.
SELECT
    account_id AS customer_id,
    signup_date AS joined_at,
    account_name AS name,
    industry AS segment,
    country AS region,
    referral_source, plan_tier, seats, is_trial
FROM read_csv('${source}/ravenstack_accounts.csv')
