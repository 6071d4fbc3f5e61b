-- An account begins with its first subscription. Birth dates are left where they are.
SELECT
    account_id AS customer_id,
    min(start_date) AS joined_at,
    any_value(country) AS region,
    any_value(channel) AS acquired_through
FROM read_csv('${source}/account.csv') AS account
JOIN read_csv('${source}/subscription.csv') AS subscription USING (account_id)
GROUP BY account_id
