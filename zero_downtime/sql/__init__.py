"""SQL statements and what they do to others. Needs no database and imports no SQLAlchemy."""
