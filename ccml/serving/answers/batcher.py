"""Micro-batches: whatever is waiting when the model thread is free runs through it together.

A request is never held back until others come. While one batch runs the next one gathers, so batches grow with the
load and a lone request waits for nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from ccml.serving.interrupt import Interrupt

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(eq=False)
class Entry(Generic[Item, Result]):
    item: Item
    expires: float
    """`time.monotonic()` from which on nobody wants the result."""
    future: asyncio.Future[Result]
    waiting_since: float = field(default_factory=time.monotonic)

    @property
    def wanted(self) -> bool:
        return not self.future.done() and time.monotonic() < self.expires


class MicroBatcher(Generic[Item, Result]):
    """One queue, one thread.

    Args:
        run: from the items of a batch to as many results, in order. Called in the model thread; it may raise.
        batch: most items of one call.
    """

    def __init__(self, run: Callable[[Sequence[Item], Interrupt], Sequence[Result]], batch: int, meter: Meter) -> None:
        self._run = run
        self._batch = batch
        self._meter = meter
        self._waiting: deque[Entry[Item, Result]] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._running: list[Entry[Item, Result]] = []
        self._interrupt: Interrupt | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._serve(), name="micro-batches")

    async def stop(self) -> None:
        """Ends after the running batch; what still waits is cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for entry in self._waiting:
            entry.future.cancel()
        self._waiting.clear()
        await asyncio.to_thread(self._thread.shutdown)

    @property
    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    async def submit(self, item: Item, expires: float) -> Result:
        """Waits for the result of `item`.

        Raises:
            TimeoutError: there is none at `expires`. An item still queued then never runs.
        """
        entry: Entry[Item, Result] = Entry(item, expires, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._meter.queue_depth.set(len(self._waiting))
        self._arrived.set()
        try:
            async with asyncio.timeout(max(0.0, expires - time.monotonic())):
                return await entry.future
        finally:
            # Reached by a result, by the deadline, and by a client that has gone (this task is cancelled).
            entry.future.cancel()
            self._forget()

    def _forget(self) -> None:
        """Interrupts the running batch if it works for nobody: it would only keep the next one waiting."""
        if self._interrupt is not None and self._running and not any(entry.wanted for entry in self._running):
            self._interrupt.stop()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while entries := self._take():
                interrupt = Interrupt()
                self._running, self._interrupt = entries, interrupt
                items = [entry.item for entry in entries]
                try:
                    results = await loop.run_in_executor(self._thread, self._run, items, interrupt)
                    for entry, result in zip(entries, results, strict=True):
                        if not entry.future.done():
                            entry.future.set_result(result)
                except Exception as error:  # noqa: BLE001 - handed to whoever waits; one bad batch must not end the loop
                    for entry in entries:
                        if not entry.future.done():
                            entry.future.set_exception(error)
                finally:
                    self._running, self._interrupt = [], None

    def _take(self) -> list[Entry[Item, Result]]:
        entries: list[Entry[Item, Result]] = []
        now = time.monotonic()
        while self._waiting and len(entries) < self._batch:
            entry = self._waiting.popleft()
            if entry.wanted:
                entries.append(entry)
                self._meter.queue_seconds.observe(now - entry.waiting_since)
        self._meter.queue_depth.set(len(self._waiting))
        if entries:
            self._meter.batch_size.observe(len(entries))
        return entries
