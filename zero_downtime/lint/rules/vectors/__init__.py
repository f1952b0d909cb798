"""Vector columns and their approximate indexes (pgvector)."""
