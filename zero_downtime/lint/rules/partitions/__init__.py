"""Partitions that come, go, and lock their parent."""
