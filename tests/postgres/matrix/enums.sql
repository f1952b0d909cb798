CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('open', 'paid', 'sent', 'lost');
CREATE TYPE shop.mood AS ENUM ('good', 'bad');
CREATE TYPE shop."Odd Name" AS ENUM ('a''b', 'Über', 'c');
CREATE TABLE shop.orders (
    id bigint PRIMARY KEY,
    state shop.state NOT NULL DEFAULT 'open',
    past shop.state[] DEFAULT ARRAY['open'::shop.state],
    mood shop.mood
);
CREATE TABLE shop.parcels (id bigint, state shop.state, odd shop."Odd Name" DEFAULT 'c')
    PARTITION BY LIST (id);
CREATE TABLE shop.parcels_one PARTITION OF shop.parcels FOR VALUES IN (1);
INSERT INTO shop.orders (id, past, mood) VALUES (1, '{open,paid}', 'good'), (2, NULL, NULL);
INSERT INTO shop.parcels VALUES (1, 'sent', 'c');

--- several values at once
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.state ADD VALUE 'first' BEFORE 'open';
ALTER TYPE shop.state ADD VALUE 'packed' BEFORE 'sent';
ALTER TYPE shop.state ADD VALUE 'wrapped' BEFORE 'sent';
ALTER TYPE shop.state ADD VALUE 'last';

--- values with quotes and other letters
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop."Odd Name" ADD VALUE 'it''s' BEFORE 'Über';
ALTER TYPE shop."Odd Name" ADD VALUE 'ß\n';

--- a value and a column that needs it
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.mood ADD VALUE 'so-so' BEFORE 'bad';
ALTER TABLE shop.orders ADD other shop.mood NOT NULL DEFAULT 'so-so';

--- a value and a default that needs it
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.mood ADD VALUE 'so-so';
ALTER TABLE shop.orders ALTER mood SET DEFAULT 'so-so';

--- a value and a check that needs it
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.mood ADD VALUE 'so-so';
ALTER TABLE shop.orders ADD CONSTRAINT fine CHECK (mood <> 'so-so'::shop.mood);

--- a value and a partial index of it
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.mood ADD VALUE 'so-so';
CREATE INDEX middling ON shop.orders (id) WHERE mood = 'so-so';

--- a value and a view of it
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.mood ADD VALUE 'so-so';
CREATE VIEW shop.middling AS SELECT id FROM shop.orders WHERE mood = 'so-so';

--- a value goes that a view and a check do not name
-- unsafe up: the table is written anew
-- old:
CREATE VIEW shop.all_of AS SELECT id, state, past FROM shop.orders;
ALTER TABLE shop.orders ADD CONSTRAINT known CHECK (state <> 'sent');
CREATE INDEX states ON shop.orders (state);
-- new:
ALTER TABLE shop.orders ALTER state DROP DEFAULT, ALTER past DROP DEFAULT;
ALTER TYPE shop.state RENAME TO old;
CREATE TYPE shop.state AS ENUM ('open', 'paid', 'sent');
ALTER TABLE shop.orders ALTER state TYPE shop.state USING state::text::shop.state,
    ALTER past TYPE shop.state[] USING past::text[]::shop.state[],
    ALTER state SET DEFAULT 'open', ALTER past SET DEFAULT ARRAY['open'::shop.state];
ALTER TABLE shop.parcels ALTER state TYPE shop.state USING state::text::shop.state;
DROP TYPE shop.old;
CREATE VIEW shop.all_of AS SELECT id, state, past FROM shop.orders;
ALTER TABLE shop.orders ADD CONSTRAINT known CHECK (state <> 'sent');
CREATE INDEX states ON shop.orders (state);

--- other order
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.mood RENAME TO old;
CREATE TYPE shop.mood AS ENUM ('bad', 'good');
ALTER TABLE shop.orders ALTER mood TYPE shop.mood USING mood::text::shop.mood;
DROP TYPE shop.old;

--- functions, privileges and comments of an enum that is made anew
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE FUNCTION shop.of(shop.mood) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
COMMENT ON TYPE shop.mood IS 'how they feel';
REVOKE ALL ON TYPE shop.mood FROM PUBLIC;
GRANT USAGE ON TYPE shop.mood TO pg_monitor;
-- new:
ALTER TYPE shop.mood RENAME TO old;
CREATE TYPE shop.mood AS ENUM ('bad', 'good');
ALTER TABLE shop.orders ALTER mood TYPE shop.mood USING mood::text::shop.mood;
DROP TYPE shop.old;
CREATE FUNCTION shop.of(shop.mood) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
COMMENT ON TYPE shop.mood IS 'how they feel';
REVOKE ALL ON TYPE shop.mood FROM PUBLIC;
GRANT USAGE ON TYPE shop.mood TO pg_monitor;

--- a new enum type for old columns
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.orders ADD word text DEFAULT 'good';
-- new:
ALTER TABLE shop.orders ADD word shop.mood DEFAULT 'good';

--- an enum that nobody uses changes and goes
-- unsafe down: a running release may know the value
-- old:
CREATE TYPE shop.lonely AS ENUM ('a', 'b');
-- new:
CREATE TYPE shop.lonely AS ENUM ('b', 'a', 'c');

--- an enum without values
-- new:
CREATE TYPE shop.nothing AS ENUM ();

--- the first value of an enum without values
-- old:
CREATE TYPE shop.nothing AS ENUM ();
-- new:
CREATE TYPE shop.nothing AS ENUM ('a');

--- an enum inside a domain and a composite type
-- unsafe down: a running release may know the value
-- old:
CREATE DOMAIN shop.feeling AS shop.mood;
CREATE TYPE shop.both AS (a shop.mood, b integer);
-- new:
ALTER TYPE shop.mood ADD VALUE 'so-so';
CREATE DOMAIN shop.feeling AS shop.mood;
CREATE TYPE shop.both AS (a shop.mood, b integer);

--- a value goes while a new column and a new table take the type
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.mood RENAME TO old;
CREATE TYPE shop.mood AS ENUM ('bad', 'good');
ALTER TABLE shop.orders ALTER mood TYPE shop.mood USING mood::text::shop.mood;
DROP TYPE shop.old;
ALTER TABLE shop.parcels ADD mood shop.mood DEFAULT 'bad';
CREATE TABLE shop.moods (id bigint PRIMARY KEY, mood shop.mood NOT NULL);
CREATE FUNCTION shop.next(shop.mood) RETURNS shop.mood LANGUAGE sql AS 'SELECT $1';

--- arrays of one enum become arrays of another
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
CREATE TYPE shop.step AS ENUM ('open', 'paid', 'sent', 'lost');
ALTER TABLE shop.orders ALTER past DROP DEFAULT;
ALTER TABLE shop.orders ALTER past TYPE shop.step[] USING past::text[]::shop.step[];

--- text with a check becomes an enum below a view
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.orders ADD COLUMN kind text DEFAULT 'new'
    CONSTRAINT known CHECK (kind IN ('new', 'used'));
CREATE INDEX used ON shop.orders (id) WHERE kind = 'used';
CREATE VIEW shop.kinds AS SELECT kind FROM shop.orders;
-- new:
CREATE TYPE shop.kind AS ENUM ('new', 'used');
ALTER TABLE shop.orders ADD COLUMN kind shop.kind DEFAULT 'used';
CREATE INDEX used ON shop.orders (id) WHERE kind = 'used';
CREATE VIEW shop.kinds AS SELECT kind FROM shop.orders;

--- a value goes of an enum in a domain with a check
-- unsafe up: the table is written anew
-- old:
CREATE DOMAIN shop.now AS shop.mood DEFAULT 'good' CONSTRAINT known CHECK (VALUE <> 'bad');
CREATE TYPE shop.moods AS (m shop.mood, n shop.now);
ALTER TABLE shop.orders ADD COLUMN n shop.now, ADD COLUMN mm shop.moods;
ALTER TYPE shop.mood ADD VALUE 'so';
-- new:
CREATE DOMAIN shop.now AS shop.mood DEFAULT 'good' CONSTRAINT known CHECK (VALUE <> 'bad');
CREATE TYPE shop.moods AS (m shop.mood, n shop.now);
ALTER TABLE shop.orders ADD COLUMN n shop.now, ADD COLUMN mm shop.moods;
