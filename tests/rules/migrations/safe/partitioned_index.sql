SET lock_timeout = '2s';
CREATE INDEX measurements_at ON ONLY measurements (at);
CREATE INDEX CONCURRENTLY measurements_2026_01_at ON measurements_2026_01 (at);
ALTER INDEX measurements_at ATTACH PARTITION measurements_2026_01_at;
