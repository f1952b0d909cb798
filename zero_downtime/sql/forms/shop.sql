-- A small shop: the schema of the rules' examples and of half the forms.
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN plain AS text;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION dice() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 4; END';
CREATE FUNCTION tenant() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1::bigint';
CREATE FUNCTION today() RETURNS date LANGUAGE sql STABLE AS 'SELECT CURRENT_DATE';

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email varchar(100) NOT NULL UNIQUE,
  name text,
  city varchar(50) DEFAULT 'Kyoto',
  since timestamp NOT NULL DEFAULT now(),
  CHECK (length(city) < 60)
);
CREATE TABLE orders (
  id bigserial PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  state mood DEFAULT 'calm',
  total numeric(10, 2),
  amount int,
  note varchar(20),
  code text,
  label plain,
  rank positive,
  known text CONSTRAINT known_given CHECK (known IS NOT NULL),
  placed timestamptz(3) DEFAULT now(),
  twice bigint GENERATED ALWAYS AS (id * 2) STORED
);
CREATE INDEX orders_note ON orders (note);
CREATE UNIQUE INDEX orders_code ON orders (code);
CREATE UNIQUE INDEX orders_known ON orders (known);
CREATE TABLE lines (
  id int PRIMARY KEY,
  order_id bigint CONSTRAINT lines_order REFERENCES orders (id) ON DELETE CASCADE,
  quantity int,
  customer_id bigint
);
ALTER TABLE lines ADD CONSTRAINT lines_customer FOREIGN KEY (customer_id) REFERENCES
  customers NOT VALID;
ALTER TABLE lines ADD CONSTRAINT quantity_positive CHECK (quantity > 0) NOT VALID;
CREATE TRIGGER lines_touch BEFORE UPDATE ON lines FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY own ON customers USING (id = tenant());
CREATE STATISTICS lines_statistics ON order_id, quantity FROM lines;

CREATE TABLE events (id bigint NOT NULL, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_kind ON events (kind);
CREATE TABLE events_3 (id bigint NOT NULL, at date NOT NULL, kind text);
CREATE TABLE events_4 (id bigint NOT NULL, at date NOT NULL, kind text,
  CHECK (at >= '2026-04-01' AND at < '2026-05-01'));
CREATE TABLE readings (id bigint NOT NULL, kind int NOT NULL, customer_id bigint
  REFERENCES customers)
  PARTITION BY LIST (kind);
CREATE TABLE readings_1 PARTITION OF readings FOR VALUES IN (1);
CREATE TABLE readings_2 PARTITION OF readings FOR VALUES IN (2);
CREATE TABLE readings_3 (id bigint NOT NULL, kind int NOT NULL, customer_id bigint);
CREATE TABLE readings_4 (id bigint NOT NULL, kind int NOT NULL, customer_id bigint, CHECK
  (kind = 4));

CREATE TRIGGER readings_touch BEFORE UPDATE ON readings FOR EACH ROW EXECUTE FUNCTION touch();

CREATE TABLE animals (id int, name text);
CREATE TABLE dogs (tail int) INHERITS (animals);
CREATE TABLE scratch_notes (id int, note text);
CREATE UNLOGGED TABLE cache (id int PRIMARY KEY, body text);
CREATE POLICY own ON cache USING (
  EXISTS (SELECT FROM orders o WHERE o.id = cache.id AND o.total > 0)
);
CREATE SEQUENCE numbers;
CREATE VIEW busy_orders AS SELECT id, customer_id, total FROM orders WHERE state = 'busy';
CREATE VIEW busy_customers AS SELECT c.id FROM customers c JOIN busy_orders o ON
  o.customer_id = c.id;
CREATE MATERIALIZED VIEW sales AS SELECT customer_id, sum(total) AS total FROM orders
  GROUP BY customer_id;
CREATE UNIQUE INDEX sales_customer ON sales (customer_id);
CREATE SCHEMA archive;
CREATE TABLE archive.old_orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers);

INSERT INTO customers (email, name) SELECT 'e' || i, 'n' || i FROM generate_series(1, 500) i;
INSERT INTO orders (customer_id, total, amount, note, code, rank, known)
  SELECT i, i, i, 'n' || i, 'c' || i, i, 'k' || i FROM generate_series(1, 500) i;
INSERT INTO lines SELECT i, i, i, i FROM generate_series(1, 500) i;
INSERT INTO events SELECT i, '2026-01-10', 'k' FROM generate_series(1, 50) i;
INSERT INTO events SELECT i, '2026-09-10', 'k' FROM generate_series(1, 50) i;
INSERT INTO events_3 SELECT i, '2026-03-10', 'k' FROM generate_series(1, 50) i;
INSERT INTO events_4 SELECT i, '2026-04-10', 'k' FROM generate_series(1, 50) i;
INSERT INTO readings SELECT i, 1 + i % 2, i FROM generate_series(1, 50) i;
INSERT INTO readings_3 SELECT i, 3, i FROM generate_series(1, 50) i;
INSERT INTO readings_4 SELECT i, 4, i FROM generate_series(1, 50) i;
INSERT INTO animals SELECT i, 'a' FROM generate_series(1, 50) i;
INSERT INTO dogs SELECT i, 'd', 1 FROM generate_series(1, 50) i;
INSERT INTO cache SELECT i, 'b' FROM generate_series(1, 50) i;
INSERT INTO scratch_notes SELECT i, 'b' FROM generate_series(1, 50) i;
INSERT INTO archive.old_orders SELECT i, i FROM generate_series(1, 50) i;
