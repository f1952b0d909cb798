SET lock_timeout = '2s';
SET statement_timeout = '30s';

DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_indexes WHERE indexname = 'orders_total') THEN
    CREATE INDEX orders_total ON orders (total);
  END IF;
END
$$;
