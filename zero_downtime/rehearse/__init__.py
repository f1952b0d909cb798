"""Rehearsals: migrations run on a real server, with rows in the tables and clients at work."""

from zero_downtime.rehearse.rehearsal import Options, rehearse
from zero_downtime.rehearse.result import RehearsalResult, RevisionResult, as_json

__all__ = ["Options", "RehearsalResult", "RevisionResult", "as_json", "rehearse"]
