"""What shares a transaction, and what must not."""
