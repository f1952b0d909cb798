--- policy changed
-- new:
DROP POLICY own ON shop.orders;
CREATE POLICY own ON shop.orders FOR UPDATE TO pg_monitor USING (customer_id > 1) WITH CHECK
    (total > 2);

--- policy, restrictive
-- new:
CREATE POLICY strict ON shop.orders AS RESTRICTIVE USING (true);
COMMENT ON POLICY strict ON shop.orders IS 'p';

--- table privileges
-- new:
GRANT SELECT, INSERT ON shop.orders TO pg_monitor;
GRANT SELECT ON shop.recent TO pg_monitor WITH GRANT OPTION;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
GRANT USAGE ON SEQUENCE shop.numbers TO PUBLIC;

--- fewer privileges
-- new:
REVOKE ALL ON shop.recent FROM pg_read_all_data;

--- type privileges
-- new:
REVOKE ALL ON TYPE shop.state FROM PUBLIC;
GRANT USAGE ON TYPE shop.size TO pg_monitor;

--- default privileges
-- new:
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO pg_monitor;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
