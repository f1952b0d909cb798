SET lock_timeout = '2s';
SET statement_timeout = 0;
CREATE INDEX CONCURRENTLY idx_orders_customer ON orders (customer_id);
