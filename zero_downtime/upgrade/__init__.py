"""Running revisions on a database without making its clients wait."""
