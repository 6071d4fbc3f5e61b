-- How many discs a customer buys, as it stands from the day after each purchase on, since the log
-- has no time of day: at a time, on average and the last time; so far; and the price of one.
WITH purchases AS (
    SELECT
        fields[1] AS customer_id,
        strptime(fields[2], '%Y%m%d') + INTERVAL 1 DAY AS valid_from,
        sum(fields[3]::DOUBLE) AS discs,
        sum(fields[4]::DOUBLE) AS paid,
        count(*) AS purchases
    FROM (
        SELECT string_split_regex(trim(line), '\s+') AS fields
        FROM read_csv('${source}/CDNOW_master.txt', columns = {'line': 'VARCHAR'},
            auto_detect = false, header = true, delim = '|', quote = '', escape = '')
    )
    GROUP BY ALL
),
so_far AS (
    SELECT
        customer_id,
        valid_from,
        round(discs / purchases, 2) AS discs_last_order,
        round(sum(discs) OVER until_then / sum(purchases) OVER until_then, 2) AS discs_per_order,
        sum(discs) OVER until_then AS discs_ever,
        round(sum(paid) OVER until_then / sum(discs) OVER until_then, 2) AS disc_price
    FROM purchases
    WINDOW until_then AS (PARTITION BY customer_id ORDER BY valid_from)
)
UNPIVOT so_far ON COLUMNS(* EXCLUDE (customer_id, valid_from)) INTO NAME name VALUE value
