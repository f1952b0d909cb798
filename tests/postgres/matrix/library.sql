CREATE SCHEMA lib;
CREATE SCHEMA "Other S";
CREATE TABLE lib.authors (
    author_id integer NOT NULL,
    "Full Name" varchar(80) NOT NULL,
    born date,
    country char(2) DEFAULT 'DE',
    CONSTRAINT authors_pk PRIMARY KEY (author_id),
    CONSTRAINT authors_name_uq UNIQUE ("Full Name", country)
);
CREATE TABLE lib.books (
    isbn text PRIMARY KEY,
    author_id integer NOT NULL REFERENCES lib.authors ON UPDATE CASCADE,
    title text NOT NULL,
    price numeric(8,2) CHECK (price > 0),
    pages smallint,
    published date DEFAULT CURRENT_DATE,
    tags text[] DEFAULT '{}',
    meta jsonb DEFAULT '{}'::jsonb NOT NULL,
    title_len integer GENERATED ALWAYS AS (length(title)) STORED,
    CHECK (pages > 0 OR pages IS NULL)
);
CREATE INDEX books_author ON lib.books (author_id);
CREATE INDEX books_title_lower ON lib.books (lower(title));
CREATE INDEX books_meta ON lib.books USING gin (meta);
CREATE UNIQUE INDEX books_title_author ON lib.books (title, author_id);
CREATE TABLE lib.loans (
    id bigserial PRIMARY KEY,
    isbn text NOT NULL REFERENCES lib.books (isbn) ON DELETE RESTRICT,
    author_name varchar(80),
    country char(2),
    since timestamp NOT NULL DEFAULT now(),
    until timestamp,
    amount money,
    CONSTRAINT loans_author_fk FOREIGN KEY (author_name, country) REFERENCES lib.authors ("Full Name", country)
);
CREATE INDEX loans_open ON lib.loans (isbn) WHERE until IS NULL;
CREATE VIEW lib.open_loans AS SELECT l.id, b.title, l.since FROM lib.loans l JOIN lib.books b USING (isbn) WHERE l.until IS NULL;
CREATE VIEW "Other S".per_author AS SELECT author_id, count(*) AS n, avg(price) AS avg_price FROM lib.books GROUP BY author_id;
CREATE VIEW lib.by_key AS SELECT isbn, title, price FROM lib.books GROUP BY isbn;
CREATE MATERIALIZED VIEW lib.stats AS SELECT author_id, max(price) AS top FROM lib.books GROUP BY author_id;
CREATE UNIQUE INDEX stats_author ON lib.stats (author_id);
GRANT SELECT ON lib.open_loans TO pg_monitor;
COMMENT ON COLUMN lib.open_loans.title IS 'the title''s';
CREATE FUNCTION lib.check_isbn(t text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT length(t) > 3 $$;
CREATE FUNCTION lib.log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION lib.cheap(b lib.books) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT b.price < 10 $$;
CREATE TRIGGER log_price AFTER UPDATE OF price ON lib.books FOR EACH ROW WHEN (old.price IS DISTINCT FROM new.price) EXECUTE FUNCTION lib.log();
ALTER TABLE lib.books ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON lib.books FOR SELECT USING (price < 1000 AND author_id > 0);
CREATE STATISTICS lib.book_stats (dependencies) ON author_id, price FROM lib.books;
CREATE RULE no_delete AS ON DELETE TO lib.loans WHERE old.amount IS NOT NULL DO INSTEAD NOTHING;
INSERT INTO lib.authors VALUES (1, 'Ann A', '1950-01-01'), (2, 'Bob', NULL);
INSERT INTO lib.books (isbn, author_id, title, price, pages) VALUES ('1111', 1, 'One', 9.99, 100), ('2222', 2, 'Two', 20, NULL);
INSERT INTO lib.loans (isbn, author_name, country, amount) VALUES ('1111', 'Ann A', 'DE', 3), ('2222', NULL, NULL, NULL);

--- primary key to bigint with foreign key column to bigint
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
DROP VIEW "Other S".per_author; DROP MATERIALIZED VIEW lib.stats; DROP POLICY see ON lib.books; DROP FUNCTION lib.cheap;
ALTER TABLE lib.authors ALTER author_id TYPE bigint;
ALTER TABLE lib.books ALTER author_id TYPE bigint;
CREATE POLICY see ON lib.books FOR SELECT USING (price < 1000 AND author_id > 0);
CREATE VIEW "Other S".per_author AS SELECT author_id, count(*) AS n, avg(price) AS avg_price FROM lib.books GROUP BY author_id;
CREATE MATERIALIZED VIEW lib.stats AS SELECT author_id, max(price) AS top FROM lib.books GROUP BY author_id;
CREATE UNIQUE INDEX stats_author ON lib.stats (author_id);
CREATE FUNCTION lib.cheap(b lib.books) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT b.price < 10 $$;

--- primary key moves to a surrogate, old primary key becomes unique and is referred to
-- unsafe up: all rows are numbered
-- new:
ALTER TABLE lib.loans DROP CONSTRAINT loans_isbn_fkey;
DROP VIEW lib.by_key;
ALTER TABLE lib.books DROP CONSTRAINT books_pkey;
ALTER TABLE lib.books ADD id bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE lib.books ADD CONSTRAINT books_pkey PRIMARY KEY (id);
ALTER TABLE lib.books ADD CONSTRAINT books_isbn_key UNIQUE (isbn);
ALTER TABLE lib.loans ADD CONSTRAINT loans_isbn_fkey FOREIGN KEY (isbn) REFERENCES lib.books (isbn) ON DELETE RESTRICT;
CREATE VIEW lib.by_key AS SELECT isbn, title, price FROM lib.books GROUP BY id;

--- the referred unique gets more columns
-- new:
ALTER TABLE lib.loans DROP CONSTRAINT loans_author_fk;
ALTER TABLE lib.authors DROP CONSTRAINT authors_name_uq;
ALTER TABLE lib.authors ADD CONSTRAINT authors_name_uq UNIQUE ("Full Name", country, born);
ALTER TABLE lib.loans ADD born date;
ALTER TABLE lib.loans ADD CONSTRAINT loans_author_fk FOREIGN KEY (author_name, country, born) REFERENCES lib.authors ("Full Name", country, born);

--- referred unique deferrable is not referable, so foreign key goes
-- new:
ALTER TABLE lib.loans DROP CONSTRAINT loans_author_fk;
ALTER TABLE lib.authors DROP CONSTRAINT authors_name_uq;
ALTER TABLE lib.authors ADD CONSTRAINT authors_name_uq UNIQUE ("Full Name", country) DEFERRABLE INITIALLY DEFERRED;

--- a column of another type under a generated one
-- unsafe up: the table is written anew
-- unsafe down: the values are computed for all rows
-- new:
DROP VIEW lib.by_key, lib.open_loans; DROP INDEX lib.books_title_lower; DROP INDEX lib.books_title_author;
ALTER TABLE lib.books DROP title_len;
ALTER TABLE lib.books ALTER title TYPE varchar(200);
ALTER TABLE lib.books ADD title_len integer GENERATED ALWAYS AS (length(title)) STORED;
CREATE INDEX books_title_lower ON lib.books (lower(title));
CREATE UNIQUE INDEX books_title_author ON lib.books (title, author_id);
CREATE VIEW lib.open_loans AS SELECT l.id, b.title, l.since FROM lib.loans l JOIN lib.books b USING (isbn) WHERE l.until IS NULL;
CREATE VIEW lib.by_key AS SELECT isbn, title, price FROM lib.books GROUP BY isbn;

--- generated plain with default and not null
-- unsafe down: the values are computed for all rows
-- new:
ALTER TABLE lib.books ALTER title_len DROP EXPRESSION;
ALTER TABLE lib.books ALTER title_len SET DEFAULT 0, ALTER title_len SET NOT NULL;

--- virtual without the index
-- since: 18
-- unsafe up: the column is made anew
-- unsafe down: the values are computed for all rows
-- old:
CREATE INDEX books_len ON lib.books (title_len);
-- new:
ALTER TABLE lib.books DROP title_len;
ALTER TABLE lib.books ADD title_len integer GENERATED ALWAYS AS (length(title)) VIRTUAL;

--- a column goes that all use
-- new:
ALTER TABLE lib.books DROP price CASCADE;
CREATE VIEW lib.by_key AS SELECT isbn, title FROM lib.books GROUP BY isbn;
CREATE VIEW "Other S".per_author AS SELECT author_id, count(*) AS n FROM lib.books GROUP BY author_id;

--- table moves to another schema
-- new:
ALTER TABLE lib.loans SET SCHEMA "Other S";

--- another type under a rule
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
DROP RULE no_delete ON lib.loans;
ALTER TABLE lib.loans ALTER amount TYPE numeric;
CREATE RULE no_delete AS ON DELETE TO lib.loans WHERE old.amount IS NOT NULL DO INSTEAD NOTHING;

--- a new column used by policy, trigger, view, index, statistics, check, generated
-- unsafe up: the values are computed for all rows
-- new:
ALTER TABLE lib.books ADD stock integer NOT NULL DEFAULT 0, ADD CONSTRAINT stock_ok CHECK (stock >= 0);
ALTER TABLE lib.books ADD stock2 integer GENERATED ALWAYS AS (stock * 2) STORED;
CREATE INDEX ON lib.books (stock) INCLUDE (stock2) WHERE stock > 0;
CREATE POLICY stock ON lib.books FOR UPDATE USING (stock > 0);
CREATE TRIGGER st BEFORE UPDATE OF stock ON lib.books FOR EACH ROW WHEN (new.stock > 0) EXECUTE FUNCTION lib.log();
CREATE OR REPLACE VIEW lib.by_key AS SELECT isbn, title, price, stock FROM lib.books GROUP BY isbn;
DROP STATISTICS lib.book_stats;
CREATE STATISTICS lib.book_stats (dependencies, mcv) ON author_id, price, stock FROM lib.books;

--- foreign key to another table
-- new:
ALTER TABLE lib.loans DROP CONSTRAINT loans_isbn_fkey;
CREATE TABLE lib.editions (isbn text PRIMARY KEY);
INSERT INTO lib.editions VALUES ('1111'), ('2222');
ALTER TABLE lib.loans ADD CONSTRAINT loans_isbn_fkey FOREIGN KEY (isbn) REFERENCES lib.editions NOT VALID;

--- mutual foreign keys, new tables
-- new:
CREATE TABLE lib.x (id int PRIMARY KEY, y int);
CREATE TABLE lib.y (id int PRIMARY KEY, x int REFERENCES lib.x DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE lib.x ADD FOREIGN KEY (y) REFERENCES lib.y;
ALTER TABLE lib.books ADD x int REFERENCES lib.x ON DELETE SET NULL;

--- unique nulls not distinct in place of a unique index
-- since: 15
-- new:
DROP INDEX lib.books_title_author;
ALTER TABLE lib.books ADD CONSTRAINT books_title_author UNIQUE NULLS NOT DISTINCT (title, author_id);

--- unique index becomes constraint of the same name
-- new:
ALTER TABLE lib.books ADD CONSTRAINT books_title_author UNIQUE USING INDEX books_title_author;

--- owner, acl, rls forced
-- new:
ALTER TABLE lib.books FORCE ROW LEVEL SECURITY;
REVOKE ALL ON lib.authors FROM PUBLIC; GRANT INSERT, SELECT ON lib.authors TO pg_read_all_data WITH GRANT OPTION;
ALTER TABLE lib.loans OWNER TO pg_database_owner;

--- replica identity's index is redefined
-- old:
CREATE UNIQUE INDEX books_ri ON lib.books (isbn, author_id);
ALTER TABLE lib.books REPLICA IDENTITY USING INDEX books_ri;
ALTER TABLE lib.books CLUSTER ON books_ri;
-- new:
CREATE UNIQUE INDEX books_ri ON lib.books (author_id, isbn);
ALTER TABLE lib.books REPLICA IDENTITY USING INDEX books_ri;
ALTER TABLE lib.books CLUSTER ON books_ri;

--- quoted names
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE TABLE "Other S"."we""ird; -- t" ("a b" int PRIMARY KEY, "sélect" text CHECK ("sélect" <> ';'), "order" int REFERENCES lib.authors);
CREATE INDEX "i;x" ON "Other S"."we""ird; -- t" ("order") WHERE "sélect" = E'a\n;b';
INSERT INTO "Other S"."we""ird; -- t" VALUES (1, 'a', 1);
-- new:
CREATE TABLE "Other S"."we""ird; -- t" ("a b" bigint PRIMARY KEY, "sélect" varchar(9) NOT NULL CHECK ("sélect" <> 'x;'), "order" bigint NOT NULL);
CREATE INDEX "i;x" ON "Other S"."we""ird; -- t" ("order") WHERE "sélect" = E'a\n;c';
INSERT INTO "Other S"."we""ird; -- t" VALUES (1, 'a', 1);

--- long names
-- old:
CREATE INDEX an_index_with_a_very_long_name_that_is_just_about_sixty_chars_x ON lib.books (pages);
ALTER TABLE lib.books ADD CONSTRAINT a_constraint_with_a_very_long_name_that_is_just_sixty_chars_xx CHECK (pages < 100000);
ALTER TABLE lib.books ADD CONSTRAINT a_unique_that_has_a_very_long_name_that_is_just_sixty_chars_xx UNIQUE (title, price);
-- new:
CREATE INDEX an_index_with_a_very_long_name_that_is_just_about_sixty_chars_x ON lib.books (pages, price);
ALTER TABLE lib.books ADD CONSTRAINT a_constraint_with_a_very_long_name_that_is_just_sixty_chars_xx CHECK (pages < 200000);
ALTER TABLE lib.books ADD CONSTRAINT a_unique_that_has_a_very_long_name_that_is_just_sixty_chars_xx UNIQUE (title, price, isbn);

--- a table whose row type is used changes a column type
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE FUNCTION lib.whole(a lib.authors) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT a.born::text $$;
CREATE VIEW lib.wholes AS SELECT lib.whole(a) FROM lib.authors a;
-- new:
CREATE FUNCTION lib.whole(a lib.authors) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT a.born::text $$;
ALTER TABLE lib.authors ALTER born TYPE timestamp;
CREATE VIEW lib.wholes AS SELECT lib.whole(a) FROM lib.authors a;

--- index of all attributes
-- old:
CREATE INDEX z ON lib.books USING btree (title COLLATE "C" text_pattern_ops DESC, author_id NULLS FIRST) INCLUDE (price) WITH (fillfactor = 60) WHERE pages > 3;
-- new:
CREATE INDEX z ON lib.books USING btree (title COLLATE "POSIX" text_pattern_ops ASC, author_id DESC NULLS LAST) INCLUDE (price, pages) WITH (fillfactor = 80) TABLESPACE zd_far WHERE pages > 4;

--- indexes swap their names
-- old:
CREATE INDEX i1 ON lib.books (pages); CREATE INDEX i2 ON lib.books (price);
-- new:
CREATE INDEX i2 ON lib.books (pages); CREATE INDEX i1 ON lib.books (price);

--- constraints swap their names
-- old:
ALTER TABLE lib.books ADD CONSTRAINT c1 CHECK (pages < 1000), ADD CONSTRAINT c2 CHECK (price < 1000);
-- new:
ALTER TABLE lib.books ADD CONSTRAINT c2 CHECK (pages < 1000), ADD CONSTRAINT c1 CHECK (price < 1000);
