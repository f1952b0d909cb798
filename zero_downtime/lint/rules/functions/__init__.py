"""Functions, and what is made of them: indexes, generated columns, checks."""
