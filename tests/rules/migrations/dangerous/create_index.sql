SET lock_timeout = '2s';
SET statement_timeout = '30s';

CREATE INDEX idx_orders_customer_id ON orders (customer_id);
