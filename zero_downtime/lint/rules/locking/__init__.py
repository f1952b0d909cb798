"""Locks that are strong, many or long."""
