SET lock_timeout = '2s';
SET statement_timeout = '30s';

ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE events ALTER COLUMN kind SET STATISTICS 500;
