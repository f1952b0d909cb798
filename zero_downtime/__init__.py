"""Zero-downtime schema changes for PostgreSQL: generated, linted, rehearsed, undone."""

__version__ = "0.1.0"
