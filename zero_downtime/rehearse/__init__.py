"""Rehearsals: migrations run on a real server, with rows in the tables and clients at work."""

from zero_downtime.rehearse.rehearsal import Rehearsal
from zero_downtime.rehearse.result import RehearsalResult, RevisionResult, as_json
from zero_downtime.rehearse.run import Options, rehearse

__all__ = ["Options", "Rehearsal", "RehearsalResult", "RevisionResult", "as_json", "rehearse"]
