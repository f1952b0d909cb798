"""Facts about PostgreSQL itself: where a server comes from, lock modes and their conflicts."""
