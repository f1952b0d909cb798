CREATE SCHEMA shop;
CREATE DOMAIN shop.email AS text CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
CREATE DOMAIN shop.amount AS numeric(10,2) DEFAULT 0 NOT NULL;
CREATE DOMAIN shop.code AS varchar(10);
CREATE TABLE shop.customers (id bigint PRIMARY KEY, mail shop.email, mails shop.email[],
    credit shop.amount, code shop.code);
CREATE VIEW shop.mails AS SELECT id, mail FROM shop.customers;
INSERT INTO shop.customers VALUES (1, 'a@b', '{a@b,c@d}', 5, 'x'), (2, NULL, NULL, 0, NULL);

--- a new domain that nobody uses
-- new:
CREATE DOMAIN shop.year AS integer DEFAULT 2000 NOT NULL CONSTRAINT real CHECK (VALUE > 1900);
COMMENT ON DOMAIN shop.year IS 'of birth';
COMMENT ON CONSTRAINT real ON DOMAIN shop.year IS 'nobody is older';

--- default added, changed and gone
-- new:
ALTER DOMAIN shop.email SET DEFAULT 'nobody@nowhere';
ALTER DOMAIN shop.amount SET DEFAULT 1;
ALTER DOMAIN shop.code SET DEFAULT 'x';

--- default gone
-- new:
ALTER DOMAIN shop.amount DROP DEFAULT;

--- not null
-- unsafe up: writers wait
-- unsafe down: writers wait
-- old:
UPDATE shop.customers SET code = 'y' WHERE code IS NULL;
-- new:
UPDATE shop.customers SET code = 'y' WHERE code IS NULL;
ALTER DOMAIN shop.code SET NOT NULL;
ALTER DOMAIN shop.amount DROP NOT NULL;

--- constraint added
-- unsafe up: writers wait
-- new:
ALTER DOMAIN shop.code ADD CONSTRAINT short CHECK (length(VALUE) < 100);

--- constraint validated
-- unsafe up: writers wait
-- old:
ALTER DOMAIN shop.code ADD CONSTRAINT short CHECK (length(VALUE) < 100) NOT VALID;
-- new:
ALTER DOMAIN shop.code ADD CONSTRAINT short CHECK (length(VALUE) < 100);

--- constraint with another name
-- new:
ALTER DOMAIN shop.email RENAME CONSTRAINT has_at TO "Has At";

--- constraint with a function
-- unsafe up: writers wait
-- new:
CREATE FUNCTION shop.fine(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER DOMAIN shop.code ADD CONSTRAINT fine CHECK (shop.fine(VALUE));

--- the function of a constraint changes its arguments
-- unsafe up: writers wait
-- unsafe down: writers wait
-- old:
CREATE FUNCTION shop.fine(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER DOMAIN shop.code ADD CONSTRAINT fine CHECK (shop.fine(VALUE));
-- new:
CREATE FUNCTION shop.fine(t varchar, n integer) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS 'SELECT true';
ALTER DOMAIN shop.code ADD CONSTRAINT fine CHECK (shop.fine(VALUE, 3));

--- wider base
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.customers ALTER code TYPE varchar(10);
DROP DOMAIN shop.code;
CREATE DOMAIN shop.code AS varchar(20);
ALTER TABLE shop.customers ALTER code TYPE shop.code;

--- another base
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
DROP VIEW shop.mails;
ALTER TABLE shop.customers ALTER mail TYPE text, ALTER mails TYPE text[];
DROP DOMAIN shop.email;
CREATE DOMAIN shop.email AS varchar(99) CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
COMMENT ON DOMAIN shop.email IS 'short';
ALTER TABLE shop.customers ALTER mail TYPE shop.email,
    ALTER mails TYPE shop.email[] USING mails::text[]::shop.email[];
CREATE VIEW shop.mails AS SELECT id, mail FROM shop.customers;

--- a domain of a domain
-- new:
CREATE DOMAIN shop.work AS shop.email CONSTRAINT ours CHECK (VALUE LIKE '%@shop');
CREATE TABLE shop.staff (id bigint, mail shop.work);

--- a collation of a domain
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.customers ALTER code TYPE varchar(10);
DROP DOMAIN shop.code;
CREATE DOMAIN shop.code AS varchar(10) COLLATE "C";
ALTER TABLE shop.customers ALTER code TYPE shop.code;

--- a domain over a type that goes
-- old:
CREATE TYPE shop.mood AS ENUM ('good');
CREATE DOMAIN shop.feeling AS shop.mood;
-- new:
SELECT 1;

--- privileges of a domain
-- new:
REVOKE ALL ON DOMAIN shop.code FROM PUBLIC;
GRANT USAGE ON DOMAIN shop.code TO pg_monitor;

--- not null of a domain whose arrays a column holds
-- unsafe up: the table is written anew
-- old:
CREATE DOMAIN shop.listed AS text DEFAULT 'x';
CREATE TABLE shop.lists (l shop.listed[]);
INSERT INTO shop.lists VALUES ('{a}');
-- new:
CREATE DOMAIN shop.listed AS text NOT NULL DEFAULT 'y';
CREATE TABLE shop.lists (l shop.listed[]);
