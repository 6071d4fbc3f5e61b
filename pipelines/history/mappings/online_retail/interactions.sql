-- A purchase is what one customer was invoiced at one moment: the lines of an invoice are one
-- decision, and counting them would make a full basket look like a busy customer. What came back
-- at a moment is one refund. This copy has no invoice numbers: ids are made from the content.
SELECT
    CustomerID::BIGINT AS customer_id,
    InvoiceDate AS occurred_at,
    CASE WHEN Quantity > 0 THEN 'order' ELSE 'refund' END AS kind,
    round(sum(abs(Quantity) * UnitPrice), 2) AS value
FROM read_parquet('${source}/online_retail.parquet')
WHERE CustomerID IS NOT NULL
GROUP BY ALL
