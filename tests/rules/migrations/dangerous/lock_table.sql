SET lock_timeout = '2s';
SET statement_timeout = '30s';

BEGIN;
LOCK TABLE orders;
UPDATE orders SET note = '' WHERE id BETWEEN 1 AND 100;
COMMIT;
