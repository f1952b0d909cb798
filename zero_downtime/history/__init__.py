"""An Alembic history as values: its revisions, and the SQL of each with its place in the file."""

from zero_downtime.history.revisions import PHASES, History, Revision, read_history

__all__ = ["PHASES", "History", "Revision", "read_history"]
