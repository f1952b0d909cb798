-- Keys, foreign keys and indexes of partitioned tables.
CREATE TABLE customers (id bigint PRIMARY KEY, name text);
INSERT INTO customers VALUES (1, 'a'), (2, 'b');
CREATE TABLE orders (id bigint NOT NULL, at date NOT NULL, customer bigint, code text)
    PARTITION BY RANGE (at);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')
    PARTITION BY LIST (customer);
CREATE TABLE orders_2_a PARTITION OF orders_2 FOR VALUES IN (1);
CREATE TABLE orders_2_b PARTITION OF orders_2 DEFAULT;
INSERT INTO orders VALUES (1, '2026-01-02', 1, 'x'), (2, '2026-02-02', 1, 'y'),
    (3, '2026-02-03', 2, 'z');
CREATE TABLE parts (id integer PRIMARY KEY, label text) PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (modulus 2, remainder 1);
INSERT INTO parts SELECT n, 'p' || n FROM generate_series(1, 9) n;
CREATE INDEX parts_label ON parts (label);
CREATE TABLE uses (part integer, n integer);
INSERT INTO uses VALUES (1, 1), (2, 2);

--- index
-- new:
CREATE INDEX orders_code ON orders (code);

--- unique index
-- new:
CREATE UNIQUE INDEX orders_code ON orders (at, customer, code);

--- index with all attributes
-- new:
CREATE INDEX orders_code ON orders (code DESC, lower(code) text_pattern_ops) INCLUDE (id)
    WHERE code <> '';

--- index of one partition
-- new:
CREATE INDEX only_here ON orders_1 (code);

--- index of the parent alone
-- new:
CREATE INDEX orders_code ON ONLY orders (code);

--- index whose partitions are named by hand
-- new:
CREATE INDEX orders_code ON ONLY orders (code);
CREATE INDEX first_code ON orders_1 (code);
ALTER INDEX orders_code ATTACH PARTITION first_code;
CREATE INDEX second_code ON ONLY orders_2 (code);
CREATE INDEX second_a ON orders_2_a (code);
CREATE INDEX second_b ON orders_2_b (code);
ALTER INDEX second_code ATTACH PARTITION second_a;
ALTER INDEX second_code ATTACH PARTITION second_b;
ALTER INDEX orders_code ATTACH PARTITION second_code;

--- unique
-- new:
ALTER TABLE orders ADD CONSTRAINT orders_key UNIQUE (at, customer, id);

--- primary key
-- new:
ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY (at, customer, id);

--- unique, nulls not distinct
-- since: 15
-- new:
ALTER TABLE orders ADD CONSTRAINT orders_key UNIQUE NULLS NOT DISTINCT (at, customer, id);

--- unique with more columns
-- new:
ALTER TABLE orders ADD CONSTRAINT orders_key UNIQUE (at, customer, id) INCLUDE (code);

--- unique by hash
-- new:
ALTER TABLE parts ADD CONSTRAINT parts_key UNIQUE (id, label);

--- primary key changes
-- new:
ALTER TABLE parts DROP CONSTRAINT parts_pkey;
ALTER TABLE parts ADD CONSTRAINT parts_pkey PRIMARY KEY (id, label);

--- primary key goes
-- new:
ALTER TABLE parts DROP CONSTRAINT parts_pkey;

--- unique changes
-- old:
ALTER TABLE parts ADD CONSTRAINT parts_key UNIQUE (id, label);
-- new:
ALTER TABLE parts ADD CONSTRAINT parts_key UNIQUE (label, id);

--- foreign key
-- new:
ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer) REFERENCES customers;

--- foreign key with actions
-- new:
ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer) REFERENCES customers
    ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE;

--- foreign key, not valid
-- since: 18
-- new:
ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer) REFERENCES customers
    NOT VALID;

--- foreign key changes
-- old:
ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (customer) REFERENCES customers;
-- new:
ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (customer) REFERENCES customers ON DELETE CASCADE;

--- foreign key of one partition
-- new:
ALTER TABLE orders_1 ADD CONSTRAINT f FOREIGN KEY (customer) REFERENCES customers;

--- foreign key to a partitioned table
-- new:
ALTER TABLE uses ADD CONSTRAINT uses_part_fkey FOREIGN KEY (part) REFERENCES parts;

--- check
-- new:
ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0);

--- check, not valid
-- new:
ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;

--- check changes
-- old:
ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0);
-- new:
ALTER TABLE orders ADD CONSTRAINT positive CHECK (id >= 0);

--- check is validated
-- old:
ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
-- new:
ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0);

--- required
-- new:
ALTER TABLE orders ALTER code SET NOT NULL;

--- required in one partition
-- new:
ALTER TABLE orders_1 ALTER code SET NOT NULL;

--- index replaced
-- new:
DROP INDEX parts_label;
CREATE INDEX parts_label ON parts (label DESC);

--- index goes
-- new:
DROP INDEX parts_label;

--- index and a partition
-- new:
CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE INDEX orders_code ON orders (code);

--- an index is replaced while a partition comes
-- new:
DROP INDEX parts_label;
CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE INDEX parts_label ON parts (label DESC);

--- a table is attached to one with foreign keys
-- old:
ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (customer) REFERENCES customers;
CREATE TABLE orders_3 (id bigint NOT NULL, at date NOT NULL, customer bigint, code text);
INSERT INTO orders_3 VALUES (4, '2026-03-03', 1, 'q');
-- new:
ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (customer) REFERENCES customers;
CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
INSERT INTO orders VALUES (4, '2026-03-03', 1, 'q');
