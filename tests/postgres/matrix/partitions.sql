--- a partition
-- new:
CREATE TABLE shop.events_mar PARTITION OF shop.events FOR VALUES FROM ('2026-03-01') TO
    ('2026-04-01');

--- a default partition
-- new:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;

--- a table becomes a partition
-- new:
ALTER TABLE shop.events_feb ADD CONSTRAINT events_feb_pkey PRIMARY KEY (id, at);
CREATE INDEX events_feb_at_idx ON shop.events_feb (at);
ALTER TABLE shop.events ATTACH PARTITION shop.events_feb FOR VALUES FROM ('2026-02-01') TO
    ('2026-03-01');

--- another bound
-- unsafe up: detached and attached in one moment
-- unsafe down: detached and attached in one moment
-- new:
ALTER TABLE shop.events DETACH PARTITION shop.events_jan;
ALTER TABLE shop.events ATTACH PARTITION shop.events_jan FOR VALUES FROM ('2025-12-01') TO
    ('2026-02-01');

--- sub-partitions
-- new:
CREATE TABLE shop.events_apr PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-05-01') PARTITION BY HASH (id);
CREATE TABLE shop.events_apr_0 PARTITION OF shop.events_apr
    FOR VALUES WITH (modulus 2, remainder 0);

--- column of a partitioned table
-- new:
ALTER TABLE shop.events ADD note text NOT NULL DEFAULT 'x';

--- check of a partitioned table
-- new:
ALTER TABLE shop.events ADD CONSTRAINT pos CHECK (id > 0);

--- check of a partition
-- new:
ALTER TABLE shop.events_jan ADD CONSTRAINT pos CHECK (id > 0);

--- a partitioned table
-- new:
CREATE TABLE shop.logs (id integer PRIMARY KEY, t text)
    PARTITION BY HASH (id);
CREATE TABLE shop.logs_0 PARTITION OF shop.logs
    FOR VALUES WITH (modulus 1, remainder 0);
CREATE INDEX ON shop.logs (t);

--- a default partition goes
-- old:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
-- new:

--- a partition is detached
-- new:
ALTER TABLE shop.events DETACH PARTITION shop.events_jan;

--- a partition is detached beside a default
-- old:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
-- new:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
ALTER TABLE shop.events DETACH PARTITION shop.events_jan;

--- a partition is attached beside a default
-- old:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
-- new:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
CREATE TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');

--- a list, a hash and a range
-- new:
CREATE TABLE shop.by_list (a text, b integer) PARTITION BY LIST (a);
CREATE TABLE shop.list_1 PARTITION OF shop.by_list FOR VALUES IN ('x', NULL);
CREATE TABLE shop.by_range (a text, b integer) PARTITION BY RANGE (b, a);
CREATE TABLE shop.range_1 PARTITION OF shop.by_range FOR VALUES FROM (MINVALUE, MINVALUE) TO (9, 'z');
CREATE TABLE shop.by_expression (a text, b date) PARTITION BY LIST (lower(a));

--- another list
-- unsafe up: detached and attached in one moment
-- unsafe down: detached and attached in one moment
-- old:
CREATE TABLE shop.by_list (a text, b integer) PARTITION BY LIST (a);
CREATE TABLE shop.list_1 PARTITION OF shop.by_list FOR VALUES IN ('x');
INSERT INTO shop.by_list VALUES ('x', 1);
-- new:
CREATE TABLE shop.by_list (a text, b integer) PARTITION BY LIST (a);
CREATE TABLE shop.list_1 PARTITION OF shop.by_list FOR VALUES IN ('x', 'y');
INSERT INTO shop.by_list VALUES ('x', 1);

--- another partition key
-- old:
CREATE TABLE shop.keyed (a integer, b integer) PARTITION BY LIST (a);
-- new:
CREATE TABLE shop.keyed (a integer, b integer) PARTITION BY LIST (b);

--- a table becomes partitioned
-- new:
DROP TABLE shop.bookings;
CREATE TABLE shop.bookings (room integer, during tstzrange, size shop.size, plain integer)
    PARTITION BY LIST (room);
CREATE TABLE shop.bookings_rest PARTITION OF shop.bookings DEFAULT;

--- a partition of its own storage
-- new:
CREATE UNLOGGED TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01') WITH (fillfactor = 70);

--- a default of one partition
-- new:
ALTER TABLE shop.events_jan ALTER what SET DEFAULT 'jan';

--- another default of the parent
-- old:
ALTER TABLE shop.events ALTER what SET DEFAULT 'x';
-- new:
ALTER TABLE shop.events ALTER what SET DEFAULT 'y';

--- a default of the parent alone
-- new:
ALTER TABLE ONLY shop.events ALTER what SET DEFAULT 'y';

--- required in the parent
-- new:
ALTER TABLE shop.events ALTER what SET NOT NULL;

--- type of a column of the parent
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.events ALTER id TYPE integer;

--- a column of the parent goes
-- new:
ALTER TABLE shop.events DROP what;

--- a trigger of a partitioned table
-- new:
CREATE TRIGGER t AFTER INSERT ON shop.events FOR EACH ROW EXECUTE FUNCTION shop.touch();

--- a partition with its own index and check
-- new:
CREATE TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE INDEX mar_what ON shop.events_mar (what);
ALTER TABLE shop.events_mar ADD CONSTRAINT c CHECK (what <> 'x');

--- a partition goes with its index
-- old:
CREATE TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE INDEX mar_what ON shop.events_mar (what);
INSERT INTO shop.events VALUES (3, '2026-03-05', 'm');
-- new:

--- a partition is split
-- old:
CREATE TABLE shop.events_q2 PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-07-01');
-- new:
CREATE TABLE shop.events_apr PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
CREATE TABLE shop.events_may PARTITION OF shop.events
    FOR VALUES FROM ('2026-05-01') TO ('2026-07-01');

--- a sub-partition is attached
-- old:
CREATE TABLE shop.events_apr PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-05-01') PARTITION BY LIST (id);
CREATE TABLE shop.events_apr_1 (id bigint NOT NULL, at date NOT NULL, what text);
INSERT INTO shop.events_apr_1 VALUES (1, '2026-04-02', 'q');
-- new:
CREATE TABLE shop.events_apr PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-05-01') PARTITION BY LIST (id);
CREATE TABLE shop.events_apr_1 PARTITION OF shop.events_apr FOR VALUES IN (1);
INSERT INTO shop.events VALUES (1, '2026-04-02', 'q');

--- a partition and a column
-- new:
CREATE TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
ALTER TABLE shop.events ADD note text DEFAULT 'n';

--- an attached table with a check that proves its bound
-- old:
ALTER TABLE shop.events_feb ADD CONSTRAINT proof
    CHECK (at IS NOT NULL AND at >= '2026-02-01' AND at < '2026-03-01');
-- new:
ALTER TABLE shop.events_feb ADD CONSTRAINT proof
    CHECK (at IS NOT NULL AND at >= '2026-02-01' AND at < '2026-03-01');
ALTER TABLE shop.events ATTACH PARTITION shop.events_feb
    FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
