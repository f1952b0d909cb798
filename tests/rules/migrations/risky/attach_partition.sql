SET lock_timeout = '2s';
SET statement_timeout = '30s';

ALTER TABLE measurements ATTACH PARTITION measurements_2026_12 FOR VALUES FROM ('2026-12-01') TO ('2027-01-01');
