SET lock_timeout = '2s';
SET statement_timeout = '30s';

ALTER SCHEMA billing RENAME TO invoicing;
