-- Parents and children that are no partitions.
CREATE TABLE base (id integer NOT NULL, name text DEFAULT 'x', CONSTRAINT positive CHECK (id > 0));
CREATE TABLE child (extra text) INHERITS (base);
CREATE TABLE grandchild (more text) INHERITS (child);
CREATE TABLE alone (id integer NOT NULL, name text DEFAULT 'x', extra text,
    CONSTRAINT positive CHECK (id > 0));
CREATE TABLE other (label text);
INSERT INTO base VALUES (1, 'a');
INSERT INTO child VALUES (2, 'b', 'e');
INSERT INTO grandchild VALUES (3, 'c', 'f', 'g');
INSERT INTO alone VALUES (4, 'd', 'h');

--- column of the parent
-- new:
ALTER TABLE base ADD note text;

--- column of the parent with a default
-- new:
ALTER TABLE base ADD note text NOT NULL DEFAULT 'n';

--- check of the parent
-- new:
ALTER TABLE base ADD CONSTRAINT short CHECK (length(name) < 9);

--- check of the parent alone
-- new:
ALTER TABLE base ADD CONSTRAINT short CHECK (length(name) < 9) NO INHERIT;

--- check of the child
-- new:
ALTER TABLE child ADD CONSTRAINT short CHECK (length(extra) < 9);

--- check of the parent changes
-- new:
ALTER TABLE base DROP CONSTRAINT positive;
ALTER TABLE base ADD CONSTRAINT positive CHECK (id > -1);

--- default of the child
-- new:
ALTER TABLE child ALTER name SET DEFAULT 'y';

--- default of the parent
-- new:
ALTER TABLE base ALTER name SET DEFAULT 'y';

--- type of the parent's column
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE base ALTER id TYPE bigint;

--- required in the parent
-- new:
ALTER TABLE base ALTER name SET NOT NULL;

--- required in the child
-- new:
ALTER TABLE child ALTER name SET NOT NULL;

--- required in the parent alone
-- since: 18
-- new:
ALTER TABLE base ADD CONSTRAINT named NOT NULL name NO INHERIT;

--- a table becomes a child
-- new:
ALTER TABLE alone INHERIT base;

--- a child becomes a table of its own
-- new:
ALTER TABLE child NO INHERIT base;

--- a second parent
-- new:
ALTER TABLE child ADD label text;
ALTER TABLE child INHERIT other;

--- a new child
-- new:
CREATE TABLE sibling (own integer) INHERITS (base);

--- a new child of two parents
-- new:
CREATE TABLE mixed () INHERITS (base, other);

--- a child goes
-- new:
DROP TABLE grandchild;

--- index of a child
-- new:
CREATE INDEX child_extra ON child (extra);

--- a new family
-- new:
CREATE TABLE head (a integer PRIMARY KEY, b text);
CREATE TABLE tail (c integer) INHERITS (head);

--- comment on a column that a child inherits
-- new:
COMMENT ON COLUMN child.name IS 'of the child';

--- storage of a child's column
-- new:
ALTER TABLE child ALTER name SET STORAGE EXTERNAL;
ALTER TABLE child ALTER name SET STATISTICS 50;

--- a column of the parent goes
-- new:
ALTER TABLE base DROP name;
