"""A chain of links, tried in order until one gives an answer that passes verification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ccml.serving.batcher import Interrupt
from ccml.serving.breaker import CircuitBreaker
from ccml.serving.turn import LinkName, Turn
from ccml.serving.verify import RejectedOutputError

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter

Out = TypeVar("Out")
Produced = TypeVar("Produced", covariant=True)


class Unavailable(Exception):  # noqa: N818 - a state, not a fault: nothing is held against the link
    """The link has nothing to answer with, for example no release. `reason` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Link(Protocol[Produced]):
    name: LinkName
    needs_model_thread: bool

    @property
    def breaker(self) -> CircuitBreaker: ...

    def answer(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[Produced | None]:
        """One answer per turn, None where this link has nothing to say to it. May raise anything."""
        ...


@dataclass(frozen=True)
class Answered(Generic[Out]):
    output: Out
    link: LinkName
    reasons: list[str]
    """Why links before it did not answer."""


class Chain(Generic[Out]):
    """The links of one component. The last one must answer every turn.

    Args:
        verify: returns the output as it may leave the server, or raises `RejectedOutputError`.
    """

    def __init__(
        self, component: str, links: Sequence[Link[Out]], verify: Callable[[Turn, Out], Out], meter: Meter
    ) -> None:
        self.component = component
        self.links = links
        self._verify = verify
        self._meter = meter

    def answer(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> list[Answered[Out]]:
        """Tries each link on the turns that have no answer yet.

        Args:
            interrupt: None outside the model thread; links that need it are then left out.
        """
        answers: dict[int, Answered[Out]] = {}
        reasons: list[list[str]] = [[] for _ in turns]
        for link in self.links:
            pending = [place for place in range(len(turns)) if place not in answers]
            if not pending:
                break
            if link.needs_model_thread and interrupt is None:
                self._note("deadline", link, pending, reasons)
                continue
            breaker = link.breaker
            admitted = pending[: breaker.permits(len(pending))]
            self._note("breaker_open", link, pending[len(admitted) :], reasons)
            for place, outcome in zip(
                admitted, self._outcomes(link, [turns[place] for place in admitted], interrupt), strict=True
            ):
                failed = isinstance(outcome, _Failed) and outcome.counts
                breaker.record(succeeded=not failed)
                if isinstance(outcome, _Failed):
                    self._note(outcome.reason, link, [place], reasons)
                elif outcome is not None:
                    answers[place] = Answered(outcome, link.name, reasons[place])
                    self._meter.answers.labels(self.component, link.name).inc()
            self._meter.breaker_open.labels(self.component, link.name).set(breaker.open)
        return [answers[place] for place in range(len(turns))]

    def _outcomes(
        self, link: Link[Out], turns: Sequence[Turn], interrupt: Interrupt | None
    ) -> list[Out | _Failed | None]:
        """What the link says to each turn after verification; whatever it raises stays with the turns it concerns."""
        if not turns:
            return []
        try:
            outputs = link.answer(turns, interrupt)
        except Unavailable as missing:
            return [_Failed(missing.reason, counts=False)] * len(turns)
        except Exception:  # noqa: BLE001 - a link may fail in any way; the next one answers and the metric says so
            stopped = interrupt is not None and interrupt.stopped
            if len(turns) == 1 or stopped:
                return [_Failed("interrupted" if stopped else "raised")] * len(turns)
            # One poisonous request must not take its whole batch down.
            return [outcome for turn in turns for outcome in self._outcomes(link, [turn], interrupt)]
        return [self._verified(turn, output) for turn, output in zip(turns, outputs, strict=True)]

    def _verified(self, turn: Turn, output: Out | None) -> Out | _Failed | None:
        if output is None:
            return None
        try:
            return self._verify(turn, output)
        except RejectedOutputError as rejected:
            return _Failed(rejected.reason)

    def _note(self, reason: str, link: Link[Out], places: Sequence[int], reasons: list[list[str]]) -> None:
        for place in places:
            reasons[place].append(f"{self.component} {link.name}: {reason}")
            self._meter.link_failures.labels(self.component, link.name, reason).inc()


@dataclass(frozen=True)
class _Failed:
    reason: str
    counts: bool = True
    """Whether the circuit breaker hears of it."""
