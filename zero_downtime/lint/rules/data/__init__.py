"""Rows that are changed, lost, or counted wrongly."""
