-- A customer begins with the first purchase: there is no other date.
SELECT
    regexp_extract(line, '^\s*(\d+)', 1) AS customer_id,
    min(strptime(regexp_extract(line, '^\s*\d+\s+(\d{8})', 1), '%Y%m%d')) AS joined_at
FROM read_csv('${source}/CDNOW_master.txt', columns = {'line': 'VARCHAR'}, auto_detect = false,
    header = true, delim = '|', quote = '', escape = '')
GROUP BY customer_id
