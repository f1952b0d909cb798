CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, customer_id bigint, total numeric(10,2),
    placed date);
INSERT INTO shop.orders VALUES (1, 1, 10, '2026-01-01'), (2, 1, 20, '2026-01-02');
CREATE MATERIALIZED VIEW shop.sales AS
    SELECT customer_id, sum(total) AS total FROM shop.orders GROUP BY customer_id;
CREATE UNIQUE INDEX sales_customer ON shop.sales (customer_id);
CREATE INDEX sales_total ON shop.sales (total DESC);
COMMENT ON MATERIALIZED VIEW shop.sales IS 'by customer';
COMMENT ON INDEX shop.sales_total IS 'best first';
GRANT SELECT ON shop.sales TO pg_monitor;
CREATE VIEW shop.best AS SELECT customer_id FROM shop.sales WHERE total > 5;
GRANT SELECT ON shop.best TO pg_monitor;

--- a new one with an index
-- new:
CREATE MATERIALIZED VIEW shop.days AS SELECT placed, count(*) AS n FROM shop.orders GROUP BY 1;
CREATE UNIQUE INDEX days_placed ON shop.days (placed);
ALTER MATERIALIZED VIEW shop.days ALTER COLUMN n SET STATISTICS 500;

--- an index more and one less
-- new:
DROP INDEX shop.sales_total;
CREATE INDEX sales_both ON shop.sales (customer_id, total);

--- another query with the same columns
-- new:
DROP VIEW shop.best;
DROP MATERIALIZED VIEW shop.sales;
CREATE MATERIALIZED VIEW shop.sales AS
    SELECT customer_id, sum(total) + 1 AS total FROM shop.orders GROUP BY customer_id;
CREATE UNIQUE INDEX sales_customer ON shop.sales (customer_id);
CREATE INDEX sales_total ON shop.sales (total DESC);
COMMENT ON MATERIALIZED VIEW shop.sales IS 'by customer';
COMMENT ON INDEX shop.sales_total IS 'best first';
GRANT SELECT ON shop.sales TO pg_monitor;
CREATE VIEW shop.best AS SELECT customer_id FROM shop.sales WHERE total > 5;
GRANT SELECT ON shop.best TO pg_monitor;

--- another query with other columns and indexes
-- new:
DROP VIEW shop.best;
DROP MATERIALIZED VIEW shop.sales;
CREATE MATERIALIZED VIEW shop.sales AS
    SELECT customer_id AS customer, count(*) AS n FROM shop.orders GROUP BY customer_id;
CREATE UNIQUE INDEX sales_customer ON shop.sales (customer);
CREATE INDEX sales_n ON shop.sales (n);

--- storage parameters
-- new:
ALTER MATERIALIZED VIEW shop.sales SET (fillfactor = 90, autovacuum_enabled = false);

--- storage of a column
-- new:
ALTER MATERIALIZED VIEW shop.sales ALTER COLUMN total SET STATISTICS 200;
ALTER MATERIALIZED VIEW shop.sales CLUSTER ON sales_customer;

--- the type of a column that it reads
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
DROP VIEW shop.best;
DROP MATERIALIZED VIEW shop.sales;
ALTER TABLE shop.orders ALTER total TYPE double precision;
CREATE MATERIALIZED VIEW shop.sales AS
    SELECT customer_id, sum(total) AS total FROM shop.orders GROUP BY customer_id;
CREATE UNIQUE INDEX sales_customer ON shop.sales (customer_id);
CREATE INDEX sales_total ON shop.sales (total DESC);
COMMENT ON MATERIALIZED VIEW shop.sales IS 'by customer';
COMMENT ON INDEX shop.sales_total IS 'best first';
GRANT SELECT ON shop.sales TO pg_monitor;
CREATE VIEW shop.best AS SELECT customer_id FROM shop.sales WHERE total > 5;
GRANT SELECT ON shop.best TO pg_monitor;

--- one on another, both new
-- new:
CREATE MATERIALIZED VIEW shop.z AS SELECT customer_id FROM shop.sales;
CREATE MATERIALIZED VIEW shop.a AS SELECT customer_id FROM shop.z;

--- it becomes a view
-- new:
DROP VIEW shop.best;
DROP MATERIALIZED VIEW shop.sales;
CREATE VIEW shop.sales AS
    SELECT customer_id, sum(total) AS total FROM shop.orders GROUP BY customer_id;
CREATE VIEW shop.best AS SELECT customer_id FROM shop.sales WHERE total > 5;

--- another tablespace
-- unsafe up: written anew
-- new:
ALTER MATERIALIZED VIEW shop.sales SET TABLESPACE zd_far;

--- another name, and an index keeps its own
-- new:
DROP VIEW shop.best;
ALTER MATERIALIZED VIEW shop.sales RENAME TO sold;
ALTER INDEX shop.sales_total RENAME TO sold_total;
