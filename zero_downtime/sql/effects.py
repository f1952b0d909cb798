"""What a statement does to others: locks, rewrites, scans and builds, foreseen from its text.

The one description of PostgreSQL's behaviour on which lint rules, reports and the runner rely.
Sources: PostgreSQL documentation chapter 13.3 and "Notes" of the commands, ``tablecmds.c``; every
form in :mod:`zero_downtime.sql.forms` is compared with a real server by the tests.
"""

from __future__ import annotations

from zero_downtime.sql.known import Known
from zero_downtime.sql.predict import STATEMENTS
from zero_downtime.sql.prediction import HANDLERS, Effect, Lock, Prediction
from zero_downtime.sql.tree import Node, parse

HANDLERS.update(STATEMENTS)
_NONE = Effect()

__all__ = ["Effect", "Lock", "predict", "predict_node"]


def predict(sql: str, state: Known, major: int = 18) -> Effect:
    """The effect of a statement in a schema, on a server of a major version. Raises NotParsed.

    The state is not changed: give every statement to ``state.apply`` after it was predicted.
    """
    return predict_node(*parse(sql), state, major)


def predict_node(kind: str, node: Node, state: Known, major: int = 18) -> Effect:
    """:func:`predict` for a statement that is already parsed."""
    handler = HANDLERS.get(kind)
    if handler is None:
        return _NONE
    prediction = Prediction(state, major)
    handler(prediction, node)
    return prediction.effect()
