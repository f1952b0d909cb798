--- a column at the end of a view
-- new:
CREATE OR REPLACE VIEW shop.recent AS SELECT id, customer_id, total, placed FROM shop.orders;

--- another column order under another view
-- new:
DROP VIEW shop.totals;
DROP VIEW shop.recent;
CREATE VIEW shop.recent AS SELECT total, customer_id, id FROM shop.orders;
COMMENT ON VIEW shop.recent IS 'the last ones';
GRANT SELECT ON shop.recent TO PUBLIC;
COMMENT ON COLUMN shop.recent.id IS 'x';
CREATE VIEW shop.totals AS SELECT customer_id, sum(total) AS total FROM shop.recent
    GROUP BY 1;

--- view options
-- new:
ALTER VIEW shop.recent SET (security_barrier=true, check_option=local);

--- materialized view changed
-- new:
DROP MATERIALIZED VIEW shop.sales;
CREATE MATERIALIZED VIEW shop.sales AS SELECT customer_id, count(*) AS n FROM shop.orders
    GROUP BY 1;
CREATE UNIQUE INDEX sales_customer ON shop.sales (customer_id);
COMMENT ON MATERIALIZED VIEW shop.sales IS 'm';
GRANT SELECT ON shop.sales TO PUBLIC;

--- a view on a materialized view that changes
-- new:
DROP MATERIALIZED VIEW shop.sales;
CREATE MATERIALIZED VIEW shop.sales AS
    SELECT customer_id, count(*) AS n FROM shop.orders GROUP BY 1;
CREATE UNIQUE INDEX sales_customer ON shop.sales (customer_id);
CREATE VIEW shop.best AS SELECT customer_id, n FROM shop.sales;

--- a view grouped by a primary key
-- new:
CREATE VIEW shop.per AS SELECT o.id, o.total, count(*) AS n FROM shop.orders o GROUP BY o.id;

--- a rule and a default of a view
-- new:
CREATE RULE nothing AS ON INSERT TO shop.totals DO INSTEAD NOTHING;
ALTER VIEW shop.recent ALTER total SET DEFAULT 1;

--- recursive view
-- new:
CREATE RECURSIVE VIEW shop.ten (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM ten WHERE n < 10;
