"""Logical replication: what goes to subscribers, and by what they find the row."""
