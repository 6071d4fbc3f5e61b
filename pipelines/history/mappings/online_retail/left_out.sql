-- Whose purchase it was is not known.
SELECT 'invoice lines without a customer' AS reason, count(*) AS rows
FROM read_parquet('${source}/online_retail.parquet')
WHERE CustomerID IS NULL
