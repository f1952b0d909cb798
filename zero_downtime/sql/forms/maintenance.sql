-- Maintenance
TRUNCATE depot.halls CASCADE;
TRUNCATE depot.boxes;
TRUNCATE depot.boxes, depot.claims;
TRUNCATE TABLE ONLY depot.boxes RESTART IDENTITY;
TRUNCATE depot.shelves RESTART IDENTITY CASCADE;
TRUNCATE depot.session_data RESTART IDENTITY;
TRUNCATE depot.queue RESTART IDENTITY;
TRUNCATE depot.shelves CONTINUE IDENTITY CASCADE;
LOCK TABLE depot.halls, depot.shelves IN EXCLUSIVE MODE;
LOCK TABLE depot.halls IN ACCESS SHARE MODE;
LOCK TABLE depot.halls IN ROW SHARE MODE NOWAIT;
LOCK TABLE depot.halls IN SHARE UPDATE EXCLUSIVE MODE;
LOCK TABLE depot.halls IN SHARE ROW EXCLUSIVE MODE;
LOCK depot.big_halls;
LOCK depot.moves;
ANALYZE depot.halls;
ANALYZE VERBOSE depot.halls (region, stock);
ANALYZE depot.halls, depot.shelves;
ANALYZE (SKIP_LOCKED) depot.halls;
ANALYZE depot.big_halls;
VACUUM;
VACUUM depot.halls;
VACUUM (ANALYZE, VERBOSE) depot.halls;
VACUUM (FREEZE, PARALLEL 2) depot.halls, depot.shelves;
VACUUM FULL depot.halls;
VACUUM (FULL) depot.totals;
CLUSTER depot.halls USING halls_pkey;
CLUSTER VERBOSE depot.halls USING halls_code;
CLUSTER depot.shelves USING shelves_pkey;
CLUSTER;
-- from 16
REINDEX DATABASE;
-- from 16
REINDEX SYSTEM;
LOCK TABLE depot.totals_seen IN SHARE MODE;
-- from 18
ANALYZE ONLY depot.moves;
-- from 18
ANALYZE ONLY depot.vehicles;
