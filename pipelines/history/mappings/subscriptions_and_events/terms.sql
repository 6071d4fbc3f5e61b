-- Each subscription row is one term; the next row is its renewal. A term is over only if a renewal
-- of it could be in the file: after the newest start of any subscription none is, although events
-- go on (here for a month). Such a term runs on, and labels end where the terms do.
WITH subscriptions AS (
    SELECT
        *,
        lead(start_date) OVER (PARTITION BY account_id ORDER BY start_date) AS next_start,
        row_number() OVER (PARTITION BY account_id, product, start_date) AS twin
    FROM read_csv('${source}/subscription.csv')
),
data AS (SELECT max(start_date) AS ends FROM subscriptions)
SELECT
    account_id AS customer_id,
    concat_ws(' ', product, start_date, nullif(twin, 1)) AS term_id,
    product,
    mrr AS value_per_month,
    start_date AS started_at,
    end_date AS ends_at,
    CASE WHEN end_date <= data.ends THEN end_date END AS ended_at,
    -- A gap of more than a day is no renewal.
    CASE
        WHEN end_date <= data.ends AND (next_start IS NULL OR next_start > end_date + 1)
            THEN 'not_renewed'
    END AS end_kind
FROM subscriptions CROSS JOIN data
