SET lock_timeout = '2s';
SET statement_timeout = '30s';

BEGIN;
LOCK TABLE orders;
ALTER TABLE orders ADD COLUMN note text;
COMMIT;
