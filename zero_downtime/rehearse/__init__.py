"""Rehearsals: migrations run on a real server, with rows in the tables and clients at work."""
