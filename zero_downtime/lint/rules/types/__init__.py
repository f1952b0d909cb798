"""Type changes."""
