--- foreign key
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT who FOREIGN KEY (customer_id) REFERENCES shop.customers
    ON DELETE CASCADE;

--- foreign key, not valid
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT who FOREIGN KEY (customer_id) REFERENCES shop.customers
    NOT VALID;

--- foreign key, deferrable
-- new:
ALTER TABLE shop.orders ALTER CONSTRAINT orders_code_fkey DEFERRABLE INITIALLY DEFERRED;

--- foreign key, another action
-- since: 15
-- new:
ALTER TABLE shop.orders DROP CONSTRAINT orders_code_fkey, ADD CONSTRAINT orders_code_fkey
    FOREIGN KEY (code) REFERENCES shop.customers (code) ON DELETE SET NULL (code);

--- not enforced
-- since: 18
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT c CHECK (code > 0) NOT ENFORCED;
ALTER TABLE shop.orders ADD CONSTRAINT f FOREIGN KEY (customer_id) REFERENCES shop.customers NOT
    ENFORCED;

--- check
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT pos CHECK (code >= 0);

--- check of a list
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT k CHECK (name IN ('ann', 'bob'));

--- check, another expression
-- new:
ALTER TABLE shop.orders DROP CONSTRAINT orders_total_check, ADD CONSTRAINT orders_total_check
    CHECK (total > 0);
COMMENT ON CONSTRAINT orders_total_check ON shop.orders IS 'never negative';

--- check, not valid
-- new:
ALTER TABLE shop.orders DROP CONSTRAINT orders_total_check, ADD CONSTRAINT orders_total_check
    CHECK (total >= 0) NOT VALID;

--- check, no inherit
-- new:
ALTER TABLE shop.bookings ADD CONSTRAINT ni CHECK (plain > 0) NO INHERIT;

--- check that calls a function of its table
-- new:
CREATE FUNCTION shop.fits(b shop.bookings) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS 'SELECT true';
ALTER TABLE shop.bookings ADD CONSTRAINT fit CHECK (shop.fits(bookings.*));

--- constraint renamed
-- new:
ALTER TABLE shop.orders RENAME CONSTRAINT orders_total_check TO t;

--- unique
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name) INCLUDE (note);

--- unique, nulls not distinct
-- since: 15
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (name, kind);

--- unique, deferrable
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name) DEFERRABLE INITIALLY DEFERRED;

--- a key that others refer to
-- new:
ALTER TABLE shop.orders DROP CONSTRAINT orders_code_fkey;
ALTER TABLE shop.customers DROP CONSTRAINT customers_code_key, ADD CONSTRAINT customers_code_key
    UNIQUE (code) INCLUDE (name);
ALTER TABLE shop.orders ADD CONSTRAINT orders_code_fkey FOREIGN KEY (code) REFERENCES
    shop.customers (code);

--- primary key
-- new:
ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY (id, placed);

--- primary key where there was none
-- new:
UPDATE shop.bookings SET room = 1;
ALTER TABLE shop.bookings ADD PRIMARY KEY (room);

--- exclusion
-- unsafe up: constraint-builds-index, writers-wait
-- new:
ALTER TABLE shop.bookings ADD CONSTRAINT free EXCLUDE USING gist (during WITH &&);

--- without overlaps
-- since: 18
-- new:
CREATE EXTENSION btree_gist;
CREATE TABLE shop.rates (id integer, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE shop.uses (id integer, during daterange, FOREIGN KEY (id, PERIOD during) REFERENCES
    shop.rates (id, PERIOD during));

--- check becomes valid
-- old:
ALTER TABLE shop.orders ADD CONSTRAINT pos CHECK (code > 0) NOT VALID;
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT pos CHECK (code > 0);

--- check becomes enforced
-- since: 18
-- old:
ALTER TABLE shop.orders ADD CONSTRAINT pos CHECK (code > 0) NOT ENFORCED;
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT pos CHECK (code > 0);

--- foreign key becomes enforced
-- since: 18
-- old:
ALTER TABLE shop.orders ADD CONSTRAINT who FOREIGN KEY (customer_id) REFERENCES shop.customers
    NOT ENFORCED;
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT who FOREIGN KEY (customer_id) REFERENCES shop.customers;

--- foreign key becomes valid
-- old:
ALTER TABLE shop.orders ADD CONSTRAINT who FOREIGN KEY (customer_id) REFERENCES shop.customers
    NOT VALID;
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT who FOREIGN KEY (customer_id) REFERENCES shop.customers;

--- foreign key with everything
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT who FOREIGN KEY (customer_id) REFERENCES shop.customers
    MATCH FULL ON UPDATE CASCADE ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED;

--- foreign key to another table
-- old:
CREATE TABLE shop.others (code integer PRIMARY KEY);
INSERT INTO shop.others VALUES (1), (2);
-- new:
CREATE TABLE shop.others (code integer PRIMARY KEY);
INSERT INTO shop.others VALUES (1), (2);
ALTER TABLE shop.orders DROP CONSTRAINT orders_code_fkey;
ALTER TABLE shop.orders ADD CONSTRAINT orders_code_fkey FOREIGN KEY (code) REFERENCES shop.others;

--- foreign key, no longer deferred
-- old:
ALTER TABLE shop.orders ALTER CONSTRAINT orders_code_fkey DEFERRABLE INITIALLY DEFERRED;
-- new:
ALTER TABLE shop.orders ALTER CONSTRAINT orders_code_fkey DEFERRABLE INITIALLY IMMEDIATE;

--- foreign key to itself
-- new:
ALTER TABLE shop.customers ADD parent bigint CONSTRAINT up REFERENCES shop.customers;

--- foreign key to a new table
-- new:
CREATE TABLE shop.regions (id integer PRIMARY KEY);
ALTER TABLE shop.customers ADD region integer REFERENCES shop.regions;

--- foreign key of two columns
-- old:
CREATE TABLE shop.two (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE shop.refers (a integer, b integer);
-- new:
CREATE TABLE shop.two (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE shop.refers (a integer, b integer, FOREIGN KEY (a, b) REFERENCES shop.two);

--- check, no longer inherited
-- old:
ALTER TABLE shop.bookings ADD CONSTRAINT ni CHECK (plain > 0);
-- new:
ALTER TABLE shop.bookings ADD CONSTRAINT ni CHECK (plain > 0) NO INHERIT;

--- check of several columns with a function
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT f CHECK (shop.twice(code) > 0 AND total < 1000);

--- check whose function changes
-- old:
ALTER TABLE shop.orders ADD CONSTRAINT f CHECK (shop.twice(code) > 0);
-- new:
CREATE OR REPLACE FUNCTION shop.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT n + n';
ALTER TABLE shop.orders ADD CONSTRAINT f CHECK (shop.twice(code) > 0);

--- comment on a constraint
-- new:
COMMENT ON CONSTRAINT orders_code_fkey ON shop.orders IS 'the code';
COMMENT ON CONSTRAINT customers_pkey ON shop.customers IS 'the key';

--- primary key of two columns
-- new:
ALTER TABLE shop.customers DROP CONSTRAINT customers_pkey;
ALTER TABLE shop.customers ADD PRIMARY KEY (id, name);

--- primary key goes
-- new:
ALTER TABLE shop.customers DROP CONSTRAINT customers_pkey;

--- primary key with more columns and storage parameters
-- new:
ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey;
ALTER TABLE shop.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id) INCLUDE (code)
    WITH (fillfactor = 80);

--- primary key, deferrable
-- new:
ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey;
ALTER TABLE shop.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id) DEFERRABLE;

--- unique of other columns
-- old:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name);
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name, kind);

--- unique, no longer nulls distinct
-- since: 15
-- old:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name, kind);
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (name, kind);

--- unique becomes deferrable
-- old:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name);
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name) DEFERRABLE;

--- unique with a tablespace
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name) USING INDEX TABLESPACE zd_far;

--- a unique index becomes a constraint
-- old:
CREATE UNIQUE INDEX u ON shop.customers (name);
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name);

--- a unique index becomes a constraint of another name
-- old:
CREATE UNIQUE INDEX ui ON shop.customers (name) INCLUDE (kind);
-- new:
ALTER TABLE shop.customers ADD CONSTRAINT u UNIQUE (name) INCLUDE (kind);

--- replica identity by a key
-- old:
ALTER TABLE shop.customers ALTER code SET NOT NULL;
-- new:
ALTER TABLE shop.customers ALTER code SET NOT NULL;
ALTER TABLE shop.customers REPLICA IDENTITY USING INDEX customers_code_key;

--- exclusion changes
-- unsafe up: it has no online build
-- unsafe down: it has no online build
-- old:
ALTER TABLE shop.bookings ADD CONSTRAINT free EXCLUDE USING gist (during WITH &&);
-- new:
ALTER TABLE shop.bookings ADD CONSTRAINT free EXCLUDE USING gist (during WITH &&)
    WHERE (room > 0) DEFERRABLE INITIALLY DEFERRED;

--- exclusion goes
-- unsafe down: it has no online build
-- old:
ALTER TABLE shop.bookings ADD CONSTRAINT free EXCLUDE USING gist (during WITH &&);
-- new:

--- without overlaps on rows
-- since: 18
-- unsafe up: it has no online build
-- old:
CREATE EXTENSION btree_gist;
-- new:
CREATE EXTENSION btree_gist;
ALTER TABLE shop.bookings ADD CONSTRAINT free UNIQUE (room, during WITHOUT OVERLAPS);

--- foreign key of periods on rows
-- since: 18
-- old:
CREATE EXTENSION btree_gist;
CREATE TABLE shop.rates (id integer, during tstzrange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
INSERT INTO shop.rates VALUES (1, '[2025-01-01,2027-01-01)');
-- new:
CREATE EXTENSION btree_gist;
CREATE TABLE shop.rates (id integer, during tstzrange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
INSERT INTO shop.rates VALUES (1, '[2025-01-01,2027-01-01)');
ALTER TABLE shop.bookings ADD CONSTRAINT rated FOREIGN KEY (room, PERIOD during)
    REFERENCES shop.rates (id, PERIOD during);

--- set null of some columns
-- since: 15
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT who FOREIGN KEY (customer_id) REFERENCES shop.customers
    ON DELETE SET NULL (customer_id);

--- a circle of foreign keys
-- new:
ALTER TABLE shop.customers ADD last_order bigint REFERENCES shop.orders;
ALTER TABLE shop.orders ADD CONSTRAINT who FOREIGN KEY (customer_id) REFERENCES shop.customers;

--- all constraints of a table change at once
-- new:
ALTER TABLE shop.orders DROP CONSTRAINT orders_total_check, DROP CONSTRAINT orders_code_fkey;
ALTER TABLE shop.orders ADD CONSTRAINT a CHECK (total > -5),
    ADD CONSTRAINT b UNIQUE (code, id), ADD CONSTRAINT c CHECK (placed > '2000-01-01'),
    ADD CONSTRAINT d FOREIGN KEY (code) REFERENCES shop.customers (code) ON DELETE CASCADE;
