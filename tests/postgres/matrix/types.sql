--- enum value at the end
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.state ADD VALUE 'lost';

--- enum value in the middle
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.state ADD VALUE 'packed' BEFORE 'sent';

--- an enum and a column of it
-- new:
CREATE TYPE shop.mood AS ENUM ('good', 'it''s');
ALTER TABLE shop.customers ADD mood shop.mood NOT NULL DEFAULT 'good';

--- enum value goes
-- unsafe up: the table is written anew
-- new:
DROP INDEX shop.orders_open;
ALTER TABLE shop.orders ALTER state DROP DEFAULT;
ALTER TYPE shop.state RENAME TO old;
CREATE TYPE shop.state AS ENUM ('open', 'paid');
ALTER TABLE shop.orders ALTER state
    TYPE shop.state USING state::text::shop.state, ALTER state SET DEFAULT 'open';
DROP TYPE shop.old;
CREATE INDEX orders_open ON shop.orders (customer_id) WHERE state = 'open';

--- enum value goes, and more takes the type
-- unsafe up: tables are written anew
-- unsafe down: the table is written anew
-- old:
CREATE TYPE shop.mood AS ENUM ('good', 'bad', 'none');
CREATE TABLE shop.moods (old shop.mood DEFAULT 'good', said text DEFAULT 'good');
INSERT INTO shop.moods VALUES ('good', 'bad');
-- new:
CREATE TYPE shop.mood AS ENUM ('good', 'bad');
CREATE TABLE shop.moods (
    old shop.mood DEFAULT 'good', said shop.mood DEFAULT 'good', new shop.mood DEFAULT 'bad'
);
CREATE TABLE shop.more_moods (mood shop.mood);
CREATE VIEW shop.all_moods AS SELECT new AS mood FROM shop.moods UNION SELECT * FROM shop.more_moods;

--- enum value goes, a function of it goes, a trigger with it comes
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE TYPE shop.mood AS ENUM ('good', 'bad', 'none');
CREATE TABLE shop.moods (mood shop.mood);
INSERT INTO shop.moods VALUES ('good');
CREATE FUNCTION shop.is_good(mood shop.mood) RETURNS boolean LANGUAGE sql AS $$ SELECT mood = 'good' $$;
-- new:
CREATE TYPE shop.mood AS ENUM ('bad', 'good');
CREATE TABLE shop.moods (mood shop.mood);
CREATE TRIGGER touched BEFORE UPDATE ON shop.moods
    FOR EACH ROW WHEN (new.mood = 'good') EXECUTE FUNCTION shop.touch();

--- domain
-- unsafe up: constrained-domain-column, writers-wait
-- new:
CREATE DOMAIN shop.positive AS integer DEFAULT 1 NOT NULL CHECK (VALUE > 0);
ALTER TABLE shop.orders ADD n shop.positive;

--- domain constraint
-- unsafe up: writers-wait
-- unsafe down: writers-wait
-- new:
ALTER DOMAIN shop.email DROP CONSTRAINT has_at;
ALTER DOMAIN shop.email ADD CONSTRAINT has_at CHECK (VALUE LIKE '_%@%');
ALTER DOMAIN shop.email ADD CONSTRAINT short CHECK (length(VALUE) < 99) NOT VALID;
ALTER DOMAIN shop.email SET DEFAULT '@';

--- domain, another base
-- unsafe down: a new column of a domain with a constraint is written
-- new:
ALTER TABLE shop.customers DROP mail;
DROP DOMAIN shop.email;
CREATE DOMAIN shop.email AS varchar;

--- composite attribute
-- new:
ALTER TYPE shop.size ADD ATTRIBUTE depth integer;

--- composite and range types
-- new:
CREATE TYPE shop.pair AS (a integer, b text);
COMMENT ON COLUMN shop.pair.a IS 'first';
CREATE TYPE shop.span AS RANGE (subtype = integer);
COMMENT ON TYPE shop.span IS 's';

--- sequence options
-- new:
ALTER SEQUENCE shop.numbers AS integer INCREMENT 5 MINVALUE 0 MAXVALUE 99 CYCLE;

--- a sequence and its owner
-- new:
CREATE SEQUENCE shop.n2 OWNED BY shop.customers.code;
ALTER TABLE shop.customers ALTER code SET DEFAULT nextval('shop.n2');

--- collation object
-- new:
CREATE COLLATION shop.plain (provider = libc, locale = 'C');
ALTER TABLE shop.customers ADD p text COLLATE shop.plain;
