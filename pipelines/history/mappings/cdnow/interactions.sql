-- `customer date number_of_cds dollar_value`, parted by spaces; a line is one purchase. Two equal
-- lines are two purchases: their ids are made from the content and an ordinal.
SELECT
    fields[1] AS customer_id,
    strptime(fields[2], '%Y%m%d') AS occurred_at,
    'order' AS kind,
    fields[4]::DOUBLE AS value
FROM (
    SELECT string_split_regex(trim(line), '\s+') AS fields
    FROM read_csv('${source}/CDNOW_master.txt', columns = {'line': 'VARCHAR'},
        auto_detect = false, header = true, delim = '|', quote = '', escape = '')
)
