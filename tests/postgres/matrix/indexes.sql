--- index
-- new:
CREATE INDEX i ON shop.orders (customer_id) INCLUDE (total) WHERE total > 0;

--- unique expression index
-- new:
CREATE UNIQUE INDEX i ON shop.customers (lower(name));

--- index with all attributes
-- new:
CREATE INDEX i ON shop.customers USING btree
    (kind COLLATE "C" text_pattern_ops DESC NULLS LAST) WITH (fillfactor=70);
CREATE INDEX j ON shop.orders ((total + 1));
ALTER INDEX shop.j ALTER 1 SET STATISTICS 99;
CREATE INDEX b ON shop.orders USING brin (placed) WITH (pages_per_range=4);
CREATE INDEX h ON shop.orders USING hash (code);

--- index replaced
-- new:
DROP INDEX shop.orders_placed;
CREATE INDEX orders_placed ON shop.orders (placed DESC, id);
COMMENT ON INDEX shop.orders_placed IS 'for the list';

--- another predicate
-- new:
DROP INDEX shop.orders_open;
CREATE INDEX orders_open ON shop.orders (customer_id) WHERE state = 'paid';

--- index renamed
-- new:
ALTER INDEX shop.orders_placed RENAME TO orders_when;

--- index goes
-- new:
DROP INDEX shop.orders_placed;

--- index on a partitioned table
-- new:
CREATE INDEX i ON shop.events (what);

--- index of a partitioned table goes
-- new:
DROP INDEX shop.events_at;

--- index of a partitioned table replaced
-- new:
DROP INDEX shop.events_at;
CREATE INDEX events_at ON shop.events (at DESC);

--- vector index
-- needs: vector
-- new:
CREATE EXTENSION vector;
ALTER TABLE shop.customers ADD v vector(3);
CREATE INDEX i ON shop.customers USING hnsw (v vector_cosine_ops) WITH (m=8);

--- index of a materialized view
-- new:
CREATE INDEX i ON shop.sales (total);

--- unique
-- new:
CREATE UNIQUE INDEX i ON shop.customers (code, name);

--- unique, nulls not distinct
-- since: 15
-- new:
CREATE UNIQUE INDEX i ON shop.customers (kind, name) NULLS NOT DISTINCT;

--- an index becomes unique
-- old:
CREATE INDEX i ON shop.customers (name);
-- new:
CREATE UNIQUE INDEX i ON shop.customers (name);

--- another column
-- old:
CREATE INDEX i ON shop.customers (name);
-- new:
CREATE INDEX i ON shop.customers (code);

--- another order
-- old:
CREATE INDEX i ON shop.customers (name, code);
-- new:
CREATE INDEX i ON shop.customers (code DESC NULLS LAST, name);

--- included columns
-- old:
CREATE INDEX i ON shop.customers (name);
-- new:
CREATE INDEX i ON shop.customers (name) INCLUDE (code);

--- operator class
-- old:
CREATE INDEX i ON shop.customers (name);
-- new:
CREATE INDEX i ON shop.customers (name text_pattern_ops);

--- operator class with options
-- new:
CREATE EXTENSION pg_trgm;
CREATE INDEX i ON shop.customers USING gist (name gist_trgm_ops (siglen = 32));

--- collation
-- old:
CREATE INDEX i ON shop.customers (name);
-- new:
CREATE INDEX i ON shop.customers (name COLLATE "C");

--- storage parameters
-- old:
CREATE INDEX i ON shop.customers (name) WITH (fillfactor = 70);
-- new:
CREATE INDEX i ON shop.customers (name) WITH (fillfactor = 80, deduplicate_items = off);

--- access method
-- old:
CREATE INDEX i ON shop.customers (name);
-- new:
CREATE INDEX i ON shop.customers USING hash (name);

--- brin options
-- old:
CREATE INDEX i ON shop.orders USING brin (placed) WITH (pages_per_range = 32);
-- new:
CREATE INDEX i ON shop.orders USING brin (placed) WITH (pages_per_range = 64, autosummarize = on);

--- gin
-- new:
ALTER TABLE shop.bookings ADD doc jsonb;
CREATE INDEX i ON shop.bookings USING gin (doc jsonb_path_ops) WITH (fastupdate = off);

--- full text
-- new:
CREATE INDEX i ON shop.customers USING gin (to_tsvector('simple', coalesce(name, '')));

--- spgist
-- new:
CREATE INDEX i ON shop.bookings USING spgist (during);

--- expression changes
-- old:
CREATE INDEX i ON shop.customers (lower(name));
-- new:
CREATE INDEX i ON shop.customers (upper(name));

--- expression by an own function
-- new:
CREATE INDEX i ON shop.customers (shop.twice(code));

--- predicate comes
-- old:
CREATE INDEX i ON shop.customers (name);
-- new:
CREATE INDEX i ON shop.customers (name) WHERE kind IN ('a', 'b');

--- tablespace
-- old:
CREATE INDEX i ON shop.customers (name);
-- new:
CREATE INDEX i ON shop.customers (name) TABLESPACE zd_far;

--- statistics target
-- old:
CREATE INDEX i ON shop.customers (lower(name), code);
-- new:
CREATE INDEX i ON shop.customers (lower(name), code);
ALTER INDEX shop.i ALTER 1 SET STATISTICS 500;

--- comment
-- new:
COMMENT ON INDEX shop.orders_open IS 'open ones';
COMMENT ON INDEX shop.orders_placed IS NULL;

--- replaced under CLUSTER and REPLICA IDENTITY
-- old:
CREATE UNIQUE INDEX i ON shop.customers (id);
ALTER TABLE shop.customers CLUSTER ON i;
ALTER TABLE shop.customers REPLICA IDENTITY USING INDEX i;
-- new:
CREATE UNIQUE INDEX i ON shop.customers (id) INCLUDE (kind);
ALTER TABLE shop.customers CLUSTER ON i;
ALTER TABLE shop.customers REPLICA IDENTITY USING INDEX i;

--- a unique index that a foreign key needs
-- unsafe up: the foreign key holds the old index
-- unsafe down: the foreign key holds the old index
-- old:
CREATE UNIQUE INDEX i ON shop.bookings (plain);
CREATE TABLE shop.more (n integer REFERENCES shop.bookings (plain));
-- new:
CREATE UNIQUE INDEX i ON shop.bookings (plain) INCLUDE (room);
CREATE TABLE shop.more (n integer REFERENCES shop.bookings (plain));

--- indexes of a new table
-- new:
CREATE TABLE shop.fresh (id integer PRIMARY KEY, a text, b integer[]);
CREATE INDEX ON shop.fresh (a);
CREATE INDEX ON shop.fresh USING gin (b);
CREATE UNIQUE INDEX ON shop.fresh (lower(a)) WHERE a IS NOT NULL;

--- names at their longest
-- new:
CREATE INDEX an_index_whose_name_is_as_long_as_a_name_can_be_in_postgresql_1 ON shop.orders (code);

--- a longest name replaced
-- old:
CREATE INDEX an_index_whose_name_is_as_long_as_a_name_can_be_in_postgresql_1 ON shop.orders (code);
-- new:
CREATE INDEX an_index_whose_name_is_as_long_as_a_name_can_be_in_postgresql_1 ON shop.orders (total);

--- hnsw with other parameters
-- needs: vector
-- old:
CREATE EXTENSION vector;
ALTER TABLE shop.customers ADD v vector(3);
CREATE INDEX i ON shop.customers USING hnsw (v vector_cosine_ops) WITH (m = 8);
-- new:
CREATE EXTENSION vector;
ALTER TABLE shop.customers ADD v vector(3);
CREATE INDEX i ON shop.customers USING hnsw (v vector_l2_ops) WITH (m = 16, ef_construction = 99);

--- ivfflat becomes hnsw
-- needs: vector
-- old:
CREATE EXTENSION vector;
ALTER TABLE shop.customers ADD v vector(3);
CREATE INDEX i ON shop.customers USING ivfflat (v vector_l2_ops) WITH (lists = 2);
-- new:
CREATE EXTENSION vector;
ALTER TABLE shop.customers ADD v vector(3);
CREATE INDEX i ON shop.customers USING hnsw ((v::halfvec(3)) halfvec_l2_ops);

--- vector becomes halfvec
-- needs: vector
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE EXTENSION vector;
ALTER TABLE shop.customers ADD v vector(3);
CREATE INDEX i ON shop.customers USING hnsw (v vector_l2_ops);
-- new:
CREATE EXTENSION vector;
ALTER TABLE shop.customers ADD v halfvec(3);
CREATE INDEX i ON shop.customers USING hnsw (v halfvec_l2_ops);

--- more dimensions
-- needs: vector
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE EXTENSION vector;
ALTER TABLE shop.customers ADD v vector(3);
-- new:
CREATE EXTENSION vector;
ALTER TABLE shop.customers ADD v vector(4);

--- an index with the name of a foreign key
-- new:
CREATE INDEX alike ON shop.orders (customer_id);
ALTER TABLE shop.orders ADD CONSTRAINT alike FOREIGN KEY (customer_id) REFERENCES shop.customers;
