-- What the depot has from PostgreSQL 15 on.
CREATE PUBLICATION depot_filtered FOR TABLE depot.secrets (id, owner), depot.ledger_copy WHERE (id > 5);
CREATE PUBLICATION depot_schema FOR TABLES IN SCHEMA archive;
