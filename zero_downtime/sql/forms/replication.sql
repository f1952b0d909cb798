-- Publications and subscriptions
CREATE PUBLICATION more FOR TABLE depot.halls;
CREATE PUBLICATION more FOR TABLE depot.halls, depot.shelves WITH (publish = 'insert');
CREATE PUBLICATION more FOR TABLE depot.moves;
CREATE PUBLICATION more FOR TABLE depot.moves_old;
CREATE PUBLICATION more FOR TABLE depot.vehicles;
CREATE PUBLICATION more FOR TABLE ONLY depot.vehicles;
CREATE PUBLICATION more FOR ALL TABLES;
CREATE PUBLICATION more;
-- from 15
CREATE PUBLICATION more FOR TABLES IN SCHEMA depot;
-- from 15
CREATE PUBLICATION more FOR TABLES IN SCHEMA archive, TABLE depot.halls;
-- from 15
CREATE PUBLICATION more FOR TABLE depot.halls (id, region);
-- from 15
CREATE PUBLICATION more FOR TABLE depot.halls WHERE (id > 10);
-- from 15
CREATE PUBLICATION more FOR TABLE depot.vehicles WHERE (id > 10);
ALTER PUBLICATION depot_feed ADD TABLE depot.halls;
ALTER PUBLICATION depot_feed ADD TABLE depot.vehicles;
ALTER PUBLICATION depot_feed DROP TABLE depot.boxes;
ALTER PUBLICATION depot_feed SET TABLE depot.halls;
ALTER PUBLICATION depot_feed SET TABLE depot.boxes, depot.halls;
ALTER PUBLICATION depot_moves DROP TABLE depot.moves;
-- from 15
ALTER PUBLICATION depot_filtered DROP TABLE depot.ledger_copy;
-- from 15
ALTER PUBLICATION depot_filtered SET TABLE depot.ledger_copy;
-- from 15
ALTER PUBLICATION depot_schema SET TABLES IN SCHEMA public;
-- from 15
ALTER PUBLICATION depot_schema DROP TABLES IN SCHEMA archive;
ALTER PUBLICATION depot_feed SET (publish = 'insert, update');
ALTER PUBLICATION depot_feed RENAME TO feed_now;
ALTER PUBLICATION depot_feed OWNER TO postgres;
DROP PUBLICATION depot_feed;
DROP PUBLICATION IF EXISTS nothing;
COMMENT ON PUBLICATION depot_feed IS 'x';
ALTER TABLE depot.boxes REPLICA IDENTITY FULL;
CREATE SUBSCRIPTION fed CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false);
CREATE SUBSCRIPTION fed CONNECTION 'dbname=nowhere' PUBLICATION p;
DROP SUBSCRIPTION IF EXISTS nothing;
CREATE SERVER another FOREIGN DATA WRAPPER nowhere;
ALTER SERVER elsewhere OPTIONS (ADD host 'h');
ALTER SERVER elsewhere RENAME TO somewhere;
DROP SERVER elsewhere CASCADE;
CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere;
CREATE FOREIGN DATA WRAPPER another;
DROP FOREIGN DATA WRAPPER nowhere CASCADE;
