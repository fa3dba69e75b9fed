"""A circuit breaker: a responder that keeps failing is left out for a while, so that no request waits for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class CircuitBreaker:
    """Opens after `failures` within `window` seconds; after `rest` seconds lets one probe through.

    A probe that succeeds closes the breaker, one that fails keeps it open for another `rest`. Thread-safe.
    """

    def __init__(
        self,
        failures: int = 5,
        window: float = 10.0,
        rest: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._window = window
        self._rest = rest
        self._clock = clock
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._opened_at: float | None = None
        self._probing = False
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        return self._opened_at is not None

    def permits(self, wanted: int) -> int:
        """How many of `wanted` requests may go through now. Each of them must be answered for by `record`."""
        with self._lock:
            if self._opened_at is None:
                return wanted
            if self._probing or self._clock() - self._opened_at < self._rest or not wanted:
                return 0
            self._probing = True
            return 1

    def record(self, *, succeeded: bool) -> None:
        """The end of one request that went through."""
        with self._lock:
            now = self._clock()
            if self._probing:
                self._probing = False
                self._opened_at = None if succeeded else now
                self._failed_at.clear()
            elif not succeeded:
                self._failed_at.append(now)
                full = len(self._failed_at) == self._limit
                if full and self._opened_at is None and now - self._failed_at[0] <= self._window:
                    self._opened_at = now
