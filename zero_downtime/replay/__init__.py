"""Running an Alembic environment against a database of our choice, statement by statement.

The project's env.py runs as it is, in this process. Every engine it makes is led to our database
when it connects, and every statement that a revision issues passes through our hands.
"""

from zero_downtime.replay.execution import Around, Choose, Execution, Look, RunAgain
from zero_downtime.replay.failures import NotPostgreSQL, check_callable
from zero_downtime.replay.replay import Replay, capture, capture_history, connects_to, migrate
from zero_downtime.replay.urls import sqlalchemy_url

__all__ = [
    "Around",
    "Choose",
    "Execution",
    "Look",
    "NotPostgreSQL",
    "Replay",
    "RunAgain",
    "capture",
    "capture_history",
    "check_callable",
    "connects_to",
    "migrate",
    "sqlalchemy_url",
]
