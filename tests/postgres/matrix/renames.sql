-- Nothing but another name: never dropped and made again.
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY,
    code text,
    mail text,
    mood mood,
    born date,
    CONSTRAINT people_pkey PRIMARY KEY (id),
    CONSTRAINT people_code_key UNIQUE (code),
    CONSTRAINT people_mail_check CHECK (mail <> ''),
    CONSTRAINT people_excl EXCLUDE USING btree (mail WITH =)
);
CREATE TABLE pets (
    id serial PRIMARY KEY,
    owner bigint CONSTRAINT pets_owner_fkey REFERENCES people,
    name text
);
CREATE INDEX pets_name ON pets (name);
CREATE UNIQUE INDEX pets_both ON pets (owner, name) WHERE name <> '';
CREATE INDEX pets_lower ON pets (lower(name));
CREATE TABLE log (id integer, at date NOT NULL, CONSTRAINT log_pkey PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE INDEX log_at ON log (at);
ALTER TABLE log ADD CONSTRAINT log_check CHECK (id > 0);
COMMENT ON INDEX pets_name IS 'by name';
COMMENT ON CONSTRAINT people_mail_check ON people IS 'never empty';
INSERT INTO people (code, mail) VALUES ('a', 'x'), ('b', 'y');
INSERT INTO pets (owner, name) VALUES (1, 'rex'), (2, 'tom');
INSERT INTO log VALUES (1, '2026-01-03');

--- primary key
-- new:
ALTER TABLE people RENAME CONSTRAINT people_pkey TO pk_people;

--- unique
-- new:
ALTER TABLE people RENAME CONSTRAINT people_code_key TO uq_people_code;

--- check
-- new:
ALTER TABLE people RENAME CONSTRAINT people_mail_check TO ck_people_mail;

--- exclusion
-- new:
ALTER TABLE people RENAME CONSTRAINT people_excl TO ex_people;

--- foreign key
-- new:
ALTER TABLE pets RENAME CONSTRAINT pets_owner_fkey TO fk_pets_owner;

--- all to another convention
-- new:
ALTER TABLE people RENAME CONSTRAINT people_pkey TO pk_people;
ALTER TABLE people RENAME CONSTRAINT people_code_key TO uq_people_code;
ALTER TABLE people RENAME CONSTRAINT people_mail_check TO ck_people_mail;
ALTER TABLE pets RENAME CONSTRAINT pets_pkey TO pk_pets;
ALTER TABLE pets RENAME CONSTRAINT pets_owner_fkey TO fk_pets_owner;
ALTER INDEX pets_name RENAME TO ix_pets_name;
ALTER INDEX pets_both RENAME TO ix_pets_both;

--- index with a comment
-- new:
ALTER INDEX pets_name RENAME TO ix_pets_name;

--- partial index
-- new:
ALTER INDEX pets_both RENAME TO ix_pets_both;

--- index of an expression
-- new:
ALTER INDEX pets_lower RENAME TO ix_pets_lower;

--- two indexes swap their names
-- new:
ALTER INDEX pets_name RENAME TO t;
ALTER INDEX pets_lower RENAME TO pets_name;
ALTER INDEX t RENAME TO pets_lower;

--- index of a partitioned table
-- new:
ALTER INDEX log_at RENAME TO ix_log_at;

--- index of a partition
-- new:
ALTER INDEX log_1_at_idx RENAME TO ix_log_1_at;

--- primary key of a partitioned table
-- new:
ALTER TABLE log RENAME CONSTRAINT log_pkey TO pk_log;

--- primary key of a partition
-- new:
ALTER TABLE log_1 RENAME CONSTRAINT log_1_pkey TO pk_log_1;

--- check of a partitioned table
-- new:
ALTER TABLE log RENAME CONSTRAINT log_check TO ck_log;

--- sequence of a serial column
-- new:
ALTER SEQUENCE pets_id_seq RENAME TO pets_counter;

--- not null
-- since: 18
-- new:
ALTER TABLE log RENAME CONSTRAINT log_at_not_null TO at_is_there;

--- a quoted name
-- new:
ALTER TABLE people RENAME CONSTRAINT people_mail_check TO "Prüfung; 1";

--- a unique index becomes a constraint of the same name
-- new:
ALTER TABLE people DROP CONSTRAINT people_code_key;
CREATE UNIQUE INDEX people_code_key ON people (code);

--- constraint and its column
-- new:
ALTER TABLE pets ADD CONSTRAINT pets_name_check CHECK (name <> 'none');
ALTER TABLE pets RENAME CONSTRAINT pets_pkey TO pk_pets;
