SET lock_timeout = '2s';
ALTER TABLE orders VALIDATE CONSTRAINT fk_orders_users;
