"""Micro-batches: what runs together, what never runs, and what is interrupted."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from ccml.serving.answers.batcher import Interrupt, MicroBatcher
from ccml.serving.metrics import Meter


class Doubling:
    """Doubles numbers; holds each batch until it is let go."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.interrupts: list[Interrupt] = []
        self.go = threading.Event()
        if not held:
            self.go.set()

    def __call__(self, items: Sequence[int], interrupt: Interrupt) -> list[int]:
        self.batches.append(list(items))
        self.interrupts.append(interrupt)
        self.go.wait(5)
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


async def started(work: Doubling, batch: int = 4) -> MicroBatcher[int, int]:
    batcher: MicroBatcher[int, int] = MicroBatcher(work, batch, Meter())
    batcher.start()
    return batcher


def test_what_waits_while_a_batch_runs_runs_together_up_to_the_limit() -> None:
    async def story() -> None:
        work = Doubling(held=True)
        batcher = await started(work)
        first = asyncio.create_task(batcher.submit(0, soon()))
        await asyncio.sleep(0.05)
        rest = [asyncio.create_task(batcher.submit(item, soon())) for item in range(1, 7)]
        await asyncio.sleep(0.05)
        work.go.set()
        assert await asyncio.gather(first, *rest) == [0, 2, 4, 6, 8, 10, 12]
        assert work.batches == [[0], [1, 2, 3, 4], [5, 6]]
        await batcher.stop()

    asyncio.run(story())


def test_an_item_whose_deadline_passes_in_the_queue_never_runs() -> None:
    async def story() -> None:
        work = Doubling(held=True)
        batcher = await started(work)
        first = asyncio.create_task(batcher.submit(0, soon()))
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            await batcher.submit(1, soon(0.1))
        work.go.set()
        await first
        assert await batcher.submit(2, soon()) == 4
        assert work.batches == [[0], [2]]
        await batcher.stop()

    asyncio.run(story())


def test_a_batch_is_interrupted_only_when_its_last_item_is_given_up() -> None:
    async def story() -> None:
        work = Doubling(held=True)
        batcher = await started(work)
        pair = [asyncio.create_task(batcher.submit(item, soon())) for item in (1, 2)]
        await asyncio.sleep(0.05)
        assert work.batches == [[1, 2]]
        pair[0].cancel()
        await asyncio.sleep(0.05)
        assert not work.interrupts[0].stopped
        pair[1].cancel()
        await asyncio.sleep(0.05)
        assert work.interrupts[0].stopped
        work.go.set()
        await batcher.stop()

    asyncio.run(story())


def test_a_batch_that_raises_fails_its_own_items_and_no_other() -> None:
    async def story() -> None:
        batcher = await started(Doubling())
        with pytest.raises(ValueError, match="thirteen"):
            await batcher.submit(13, soon())
        assert await batcher.submit(4, soon()) == 8
        await batcher.stop()

    asyncio.run(story())
