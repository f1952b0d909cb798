"""Indexes built, rebuilt and dropped."""
