-- What a customer buys, as it stands from each purchase on: items at a time, on average and this
-- time; different items so far; the middle price of an item. What came back changes none of it.
WITH lines AS (
    SELECT *, min(InvoiceDate) OVER (PARTITION BY CustomerID, Description) AS first_bought
    FROM read_parquet('${source}/online_retail.parquet')
    WHERE CustomerID IS NOT NULL AND Quantity > 0
),
purchases AS (
    SELECT
        CustomerID::BIGINT AS customer_id,
        InvoiceDate AS valid_from,
        count(*) AS items,
        count(DISTINCT Description) FILTER (first_bought = InvoiceDate) AS new_items,
        median(UnitPrice) AS price
    FROM lines
    GROUP BY CustomerID, InvoiceDate
),
so_far AS (
    SELECT
        customer_id,
        valid_from,
        items::DOUBLE AS items_last_order,
        round(avg(items) OVER until_then, 2) AS items_per_order,
        sum(new_items) OVER until_then::DOUBLE AS different_items,
        round(avg(price) OVER until_then, 2) AS item_price
    FROM purchases
    WINDOW until_then AS (PARTITION BY customer_id ORDER BY valid_from)
)
UNPIVOT so_far ON COLUMNS(* EXCLUDE (customer_id, valid_from)) INTO NAME name VALUE value
