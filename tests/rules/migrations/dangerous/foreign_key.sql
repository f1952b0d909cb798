SET lock_timeout = '2s';
SET statement_timeout = '30s';

ALTER TABLE orders ADD CONSTRAINT fk_orders_users FOREIGN KEY (user_id) REFERENCES users (id);
