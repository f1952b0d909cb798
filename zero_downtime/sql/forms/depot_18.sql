-- What the depot has from PostgreSQL 18 on.
CREATE TABLE depot.modern (
  id int, size int, half int GENERATED ALWAYS AS (size / 2) VIRTUAL, hall_id int, seen int,
  plain int,
  CONSTRAINT modern_hall FOREIGN KEY (hall_id) REFERENCES depot.halls NOT ENFORCED,
  CONSTRAINT modern_size CHECK (size < 1000000) NOT ENFORCED
);
INSERT INTO depot.modern (id, size, hall_id, seen) SELECT i, i, i, i FROM generate_series(1, 40) i;
ALTER TABLE depot.modern ADD CONSTRAINT modern_seen NOT NULL seen NOT VALID;
CREATE TABLE depot.airy (id int, size int, half int GENERATED ALWAYS AS (size / 2) VIRTUAL);
INSERT INTO depot.airy (id, size) SELECT i, i FROM generate_series(1, 40) i;
CREATE TABLE depot.rents (
  hall_id int4range, during tsrange, PRIMARY KEY (hall_id, during WITHOUT OVERLAPS)
);
CREATE TABLE depot.guests (
  id int, hall_id int4range, during tsrange,
  FOREIGN KEY (hall_id, PERIOD during) REFERENCES depot.rents (hall_id, PERIOD during)
);
