"""Waits that nothing bounds."""
