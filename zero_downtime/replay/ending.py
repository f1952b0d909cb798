"""The order to end (SIGINT, SIGTERM), which a revision must not swallow.

Whoever retries in a bare ``except`` would go on for ever, with the server that we started.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_MOST_SWALLOWED = 3
_PATIENCE = 2.0  # seconds after which it is raised again, wherever the revision is then


class Ending:
    """Remembers the exception that a signal's handler raised, and raises it again."""

    def __init__(self) -> None:
        self._order: BaseException | None = None
        self._number = 0
        self._raised = 0

    @contextlib.contextmanager
    def heeded(self) -> Iterator[None]:
        """Watch the handlers that are installed; signals reach the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        alarm = signal.getsignal(signal.SIGALRM)
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, self._remembering(handler))
        try:
            yield
        finally:
            if self._order is not None:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, alarm)
            for number, handler in before.items():
                if callable(handler):
                    signal.signal(number, handler)

    def check(self) -> None:
        """Raise the order again if there was one. Called wherever a revision passes by."""
        if self._order is None:
            return
        self._raised += 1
        if self._raised > _MOST_SWALLOWED:
            # It catches whatever is raised, for ever: nothing but the end of the process is left.
            atexit._run_exitfuncs()
            os._exit(128 + self._number)
        raise self._order

    def _remembering(self, handler: Callable[..., Any]) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:
            try:
                handler(number, frame)
            except BaseException as order:
                self._order, self._number = order, number
                signal.signal(signal.SIGALRM, lambda *_: self.check())
                signal.setitimer(signal.ITIMER_REAL, _PATIENCE, _PATIENCE)
                raise

        return handle
