-- A customer begins with the first invoice, and lives where the latest one went.
SELECT
    CustomerID::BIGINT AS customer_id,
    min(InvoiceDate) AS joined_at,
    arg_max(Country, InvoiceDate) AS region
FROM read_parquet('${source}/online_retail.parquet')
WHERE CustomerID IS NOT NULL
GROUP BY CustomerID
