CREATE SCHEMA m;
CREATE TABLE m.sites (site integer PRIMARY KEY, name text);
CREATE TABLE m.readings (
    site integer NOT NULL,
    ts timestamptz NOT NULL,
    value numeric(10,3),
    unit text DEFAULT 'C',
    note varchar(40),
    CONSTRAINT readings_pkey PRIMARY KEY (site, ts),
    CONSTRAINT readings_value CHECK (value > -300),
    CONSTRAINT readings_site FOREIGN KEY (site) REFERENCES m.sites
) PARTITION BY RANGE (ts);
CREATE TABLE m.readings_q1 PARTITION OF m.readings FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE m.readings_q2 PARTITION OF m.readings FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-07-01 00:00+00') PARTITION BY LIST (site);
CREATE TABLE m.readings_q2_a PARTITION OF m.readings_q2 FOR VALUES IN (1, 2);
CREATE TABLE m.readings_q2_b PARTITION OF m.readings_q2 FOR VALUES IN (3);
CREATE INDEX readings_unit ON m.readings (unit);
CREATE INDEX q1_note ON m.readings_q1 (note);
CREATE VIEW m.latest AS SELECT site, max(ts) AS ts, max(value) AS v FROM m.readings GROUP BY site;
CREATE FUNCTION m.log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER log AFTER INSERT ON m.readings FOR EACH ROW EXECUTE FUNCTION m.log();
CREATE TABLE m.users (id bigint, name text, CONSTRAINT users_pk PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE m.users_0 PARTITION OF m.users FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m.users_1 PARTITION OF m.users FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE m.posts (id bigint PRIMARY KEY, user_id bigint REFERENCES m.users);
CREATE TABLE m.loose (site integer NOT NULL, ts timestamptz NOT NULL, value numeric(10,3), unit text DEFAULT 'C', note varchar(40));
CREATE TABLE m.vehicle (id integer PRIMARY KEY, plate text NOT NULL, wheels smallint DEFAULT 4 CHECK (wheels > 0));
CREATE TABLE m.truck (load numeric) INHERITS (m.vehicle);
CREATE TABLE m.bus (seats integer, CONSTRAINT bus_pk PRIMARY KEY (id)) INHERITS (m.vehicle);
CREATE TABLE m.bike (id integer, plate text NOT NULL, wheels smallint DEFAULT 2, gears integer);
CREATE INDEX vehicle_plate ON m.vehicle (plate);
CREATE INDEX truck_plate ON m.truck (plate);
INSERT INTO m.sites VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO m.readings VALUES (1, '2026-02-01', 1.5, 'C', 'x'), (1, '2026-05-01', 2.5, NULL, 'yy'), (3, '2026-05-01', 3, 'F', NULL);
INSERT INTO m.users SELECT g, 'n' || g FROM generate_series(1, 10) g;
INSERT INTO m.posts SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO m.loose VALUES (2, '2026-08-01', 4, 'C', NULL);
INSERT INTO m.vehicle VALUES (1, 'v'); INSERT INTO m.truck VALUES (2, 't', 6, 10.5); INSERT INTO m.bus VALUES (3, 'b', 6, 50); INSERT INTO m.bike VALUES (4, 'k', 2, 3);

--- no primary key
-- new:
ALTER TABLE m.readings DROP CONSTRAINT readings_pkey;

--- index redefined on the tree
-- new:
DROP INDEX m.readings_unit;
CREATE INDEX readings_unit ON m.readings USING hash (unit);

--- a leaf index becomes the tree's
-- new:
CREATE INDEX readings_note ON m.readings (note);

--- a default partition and a further one
-- new:
CREATE TABLE m.readings_default PARTITION OF m.readings DEFAULT;
CREATE TABLE m.readings_q3 PARTITION OF m.readings FOR VALUES FROM ('2026-07-01 00:00+00') TO ('2026-10-01 00:00+00') WITH (fillfactor = 70);

--- a further partition beside a default one
-- since: 18
-- old:
CREATE TABLE m.readings_default PARTITION OF m.readings DEFAULT;
INSERT INTO m.readings VALUES (1, '2030-01-01', 1);
-- new:
CREATE TABLE m.readings_default PARTITION OF m.readings DEFAULT;
INSERT INTO m.readings VALUES (1, '2030-01-01', 1);
CREATE TABLE m.readings_q3 PARTITION OF m.readings FOR VALUES FROM ('2026-07-01 00:00+00') TO ('2026-10-01 00:00+00') PARTITION BY HASH (site);
CREATE TABLE m.readings_q3_0 PARTITION OF m.readings_q3 FOR VALUES WITH (MODULUS 1, REMAINDER 0);

--- an existing table is attached
-- new:
ALTER TABLE m.loose ADD CHECK (value > -300), ADD CONSTRAINT readings_value CHECK (value > -300);
ALTER TABLE m.loose DROP CONSTRAINT loose_value_check;
ALTER TABLE m.readings ATTACH PARTITION m.loose FOR VALUES FROM ('2026-07-01 00:00+00') TO ('2026-10-01 00:00+00');

--- a partition with rows is detached, its own index stays
-- new:
ALTER TABLE m.readings DETACH PARTITION m.readings_q1;

--- a sub tree is detached
-- new:
ALTER TABLE m.readings DETACH PARTITION m.readings_q2;

--- a leaf moves up one level
-- new:
ALTER TABLE m.readings_q2 DETACH PARTITION m.readings_q2_b;

--- a column of another type after its foreign key
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE m.posts DROP CONSTRAINT posts_user_id_fkey;
ALTER TABLE m.posts ALTER user_id TYPE text;

--- referred partitioned primary key with include
-- new:
ALTER TABLE m.posts DROP CONSTRAINT posts_user_id_fkey;
ALTER TABLE m.users DROP CONSTRAINT users_pk;
ALTER TABLE m.users ADD CONSTRAINT users_pk PRIMARY KEY (id) INCLUDE (name);
ALTER TABLE m.posts ADD CONSTRAINT posts_user_id_fkey FOREIGN KEY (user_id) REFERENCES m.users;

--- the whole tree dropped
-- since: 18
-- new:
DROP VIEW m.latest; DROP TABLE m.readings;

--- a tree from nothing
-- since: 18
-- new:
CREATE TABLE m.t (a int NOT NULL, b text COLLATE "C", c date NOT NULL, g int GENERATED ALWAYS AS (a + 1) STORED, CONSTRAINT tpk PRIMARY KEY (a, b, c)) PARTITION BY LIST (b);
CREATE TABLE m.t1 PARTITION OF m.t (CONSTRAINT t1c CHECK (a > 5)) FOR VALUES IN ('x', 'y') PARTITION BY RANGE (a, c);
CREATE TABLE m.t11 PARTITION OF m.t1 (c DEFAULT '2020-01-01' NOT NULL) FOR VALUES FROM (MINVALUE, MINVALUE) TO (10, '2020-01-01');
CREATE TABLE m.t12 (c date NOT NULL, b text COLLATE "C" NOT NULL, a int NOT NULL, g int GENERATED ALWAYS AS (a + 1) STORED, CONSTRAINT t1c CHECK (a > 5));
ALTER TABLE m.t1 ATTACH PARTITION m.t12 FOR VALUES FROM (10, '2020-01-01') TO (MAXVALUE, MAXVALUE);
CREATE TABLE m.td PARTITION OF m.t DEFAULT;
CREATE INDEX tc ON m.t (c); CREATE INDEX ON m.t1 (c, a);
CREATE TRIGGER log AFTER INSERT ON m.t FOR EACH ROW EXECUTE FUNCTION m.log();
ALTER TABLE m.t11 DISABLE TRIGGER log;
ALTER TABLE m.t ADD FOREIGN KEY (a) REFERENCES m.sites;
CREATE TABLE m.r (a int, b text COLLATE "C", c date, FOREIGN KEY (a, b, c) REFERENCES m.t);
COMMENT ON TABLE m.t12 IS 'second'; COMMENT ON COLUMN m.t11.a IS 'a of t11';

--- tree from nothing with indexes of own names
-- new:
CREATE TABLE m.t (a int NOT NULL, b text) PARTITION BY RANGE (a);
CREATE TABLE m.t1 PARTITION OF m.t FOR VALUES FROM (1) TO (10) WITH (fillfactor = 60);
CREATE TABLE m.t2 PARTITION OF m.t FOR VALUES FROM (10) TO (20) PARTITION BY LIST (b);
CREATE TABLE m.t21 PARTITION OF m.t2 FOR VALUES IN ('a');
CREATE INDEX tb ON ONLY m.t (b);
CREATE INDEX zz_one ON m.t1 (b);
CREATE INDEX aa_two ON ONLY m.t2 (b);
CREATE INDEX zz_two_one ON m.t21 (b);
ALTER INDEX m.aa_two ATTACH PARTITION m.zz_two_one;
ALTER INDEX m.tb ATTACH PARTITION m.zz_one; ALTER INDEX m.tb ATTACH PARTITION m.aa_two;
ALTER TABLE m.t1 ADD CONSTRAINT one_u UNIQUE (a, b);

--- inherited: a column that the child has already
-- new:
ALTER TABLE m.truck ADD color text; ALTER TABLE m.vehicle ADD color text;

--- inherited: an existing table becomes a child
-- new:
ALTER TABLE m.bike ADD CONSTRAINT vehicle_wheels_check CHECK (wheels > 0);
ALTER TABLE m.bike ALTER id SET NOT NULL;
ALTER TABLE m.bike INHERIT m.vehicle;

--- inherited: a grandchild
-- new:
CREATE TABLE m.lorry (axles integer) INHERITS (m.truck);
ALTER TABLE m.vehicle ADD note text CHECK (note <> 'x');
CREATE INDEX lorry_i ON m.lorry (note);

--- inherited: a child of two parents
-- new:
CREATE TABLE m.thing (id integer, weight numeric);
CREATE TABLE m.thing_v () INHERITS (m.vehicle, m.thing);
