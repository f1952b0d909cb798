CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, tenant bigint, state varchar(10));
CREATE TABLE shop.tenants (id bigint PRIMARY KEY, kind text);
CREATE FUNCTION shop.tenant() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1::bigint';
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.orders USING (tenant = shop.tenant());
COMMENT ON POLICY own ON shop.orders IS 'o';
INSERT INTO shop.orders VALUES (1, 1, 'open');

--- enable, force
-- new:
ALTER TABLE shop.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.orders FORCE ROW LEVEL SECURITY;

--- disabled with its policies gone
-- new:
DROP POLICY own ON shop.orders;
ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY;

--- expression
-- new:
ALTER POLICY own ON shop.orders USING (tenant = shop.tenant() AND state IN ('open', 'paid'));

--- roles and command
-- new:
DROP POLICY own ON shop.orders;
CREATE POLICY own ON shop.orders FOR SELECT TO pg_monitor, pg_read_all_data
    USING (tenant = shop.tenant());
COMMENT ON POLICY own ON shop.orders IS 'o';

--- roles only
-- new:
ALTER POLICY own ON shop.orders TO pg_monitor;

--- a check more
-- new:
ALTER POLICY own ON shop.orders WITH CHECK (tenant = shop.tenant() AND id > 0);

--- one for each command
-- new:
CREATE POLICY r ON shop.orders FOR SELECT USING (true);
CREATE POLICY a ON shop.orders FOR INSERT WITH CHECK (tenant > 0);
CREATE POLICY w ON shop.orders FOR UPDATE USING (true) WITH CHECK (tenant > 0);
CREATE POLICY d ON shop.orders AS RESTRICTIVE FOR DELETE TO PUBLIC USING (false);

--- a policy with another name
-- new:
ALTER POLICY own ON shop.orders RENAME TO "Own Rows";

--- a policy that reads another table
-- new:
CREATE POLICY kind ON shop.orders USING (EXISTS (SELECT FROM shop.tenants t WHERE t.id = tenant));

--- the type of a column that a policy reads
-- unsafe down: the table is written anew
-- old:
CREATE POLICY open ON shop.orders USING (state = 'open');
-- new:
ALTER TABLE shop.orders ALTER state TYPE text;
CREATE POLICY open ON shop.orders USING (state = 'open');

--- a function of a policy with another argument
-- new:
DROP POLICY own ON shop.orders;
DROP FUNCTION shop.tenant;
CREATE FUNCTION shop.tenant(n integer DEFAULT 1) RETURNS bigint LANGUAGE sql STABLE
    AS 'SELECT 1::bigint';
CREATE POLICY own ON shop.orders USING (tenant = shop.tenant());
COMMENT ON POLICY own ON shop.orders IS 'o';

--- a policy of a column that goes
-- old:
CREATE POLICY open ON shop.orders USING (state = 'open');
-- new:
ALTER TABLE shop.orders DROP state;

--- a new table with all of it
-- new:
CREATE TABLE shop.files (id bigint PRIMARY KEY, owner text);
ALTER TABLE shop.files ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON shop.files USING (owner = current_user) WITH CHECK (owner = current_user);
GRANT SELECT, INSERT ON shop.files TO pg_monitor;
