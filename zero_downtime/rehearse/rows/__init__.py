"""Rows for the tables of any database: made from its catalog, or given by the user."""
