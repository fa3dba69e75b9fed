"""Responders asked in order until one gives an answer that passes verification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ccml.serving.answers.verify import RejectedOutputError
from ccml.serving.interrupt import Interrupt
from ccml.serving.loading.breaker import CircuitBreaker
from ccml.serving.turn import ResponderName, Turn

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter

Out = TypeVar("Out")
Produced = TypeVar("Produced", covariant=True)


class Unavailable(Exception):  # noqa: N818 - a state, not a fault: the circuit breaker does not count it
    """The responder has nothing to answer with, for example no release. `reason` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Responder(Protocol[Produced]):
    name: ResponderName
    needs_model_thread: bool

    @property
    def breaker(self) -> CircuitBreaker: ...

    def answer(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[Produced | None]:
        """One answer per turn, None where this responder has no answer. May raise anything."""
        ...


@dataclass(frozen=True)
class Answered(Generic[Out]):
    output: Out
    responder: ResponderName
    reasons: list[str]
    """Why responders before it did not answer."""


class FallbackOrder(Generic[Out]):
    """The responders of one component in their order. The last one must answer every turn.

    Args:
        verify: returns the output as it may leave the server, or raises `RejectedOutputError`.
    """

    def __init__(
        self, component: str, responders: Sequence[Responder[Out]], verify: Callable[[Turn, Out], Out], meter: Meter
    ) -> None:
        self.component = component
        self.responders = responders
        self._verify = verify
        self._meter = meter

    def answer(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> list[Answered[Out]]:
        """Tries each responder on the turns that have no answer yet.

        Args:
            interrupt: None outside the model thread; responders that need it are then left out.
        """
        answers: dict[int, Answered[Out]] = {}
        reasons: list[list[str]] = [[] for _ in turns]
        for responder in self.responders:
            pending = [place for place in range(len(turns)) if place not in answers]
            if not pending:
                break
            if responder.needs_model_thread and interrupt is None:
                self._note("deadline", responder, pending, reasons)
                continue
            breaker = responder.breaker
            admitted = pending[: breaker.permits(len(pending))]
            self._note("breaker_open", responder, pending[len(admitted) :], reasons)
            for place, outcome in zip(
                admitted, self._outcomes(responder, [turns[place] for place in admitted], interrupt), strict=True
            ):
                failed = isinstance(outcome, _Failed) and outcome.counts
                breaker.record(succeeded=not failed)
                if isinstance(outcome, _Failed):
                    self._note(outcome.reason, responder, [place], reasons)
                elif outcome is not None:
                    answers[place] = Answered(outcome, responder.name, reasons[place])
                    self._meter.answers.labels(self.component, responder.name).inc()
            self._meter.breaker_open.labels(self.component, responder.name).set(breaker.open)
        return [answers[place] for place in range(len(turns))]

    def _outcomes(
        self, responder: Responder[Out], turns: Sequence[Turn], interrupt: Interrupt | None
    ) -> list[Out | _Failed | None]:
        """The responder's verified answer to each turn. What it raises concerns only the turns that caused it."""
        if not turns:
            return []
        try:
            outputs = responder.answer(turns, interrupt)
        except Unavailable as missing:
            return [_Failed(missing.reason, counts=False)] * len(turns)
        except Exception:  # noqa: BLE001 - a responder may fail in any way; the next one answers and the metric says so
            stopped = interrupt is not None and interrupt.stopped
            if len(turns) == 1 or stopped:
                return [_Failed("interrupted" if stopped else "raised")] * len(turns)
            # One poisonous request must not take its whole batch down.
            return [outcome for turn in turns for outcome in self._outcomes(responder, [turn], interrupt)]
        return [self._verified(turn, output) for turn, output in zip(turns, outputs, strict=True)]

    def _verified(self, turn: Turn, output: Out | None) -> Out | _Failed | None:
        if output is None:
            return None
        try:
            return self._verify(turn, output)
        except RejectedOutputError as rejected:
            return _Failed(rejected.reason)

    def _note(self, reason: str, responder: Responder[Out], places: Sequence[int], reasons: list[list[str]]) -> None:
        for place in places:
            reasons[place].append(f"{self.component} {responder.name}: {reason}")
            self._meter.responder_failures.labels(self.component, responder.name, reason).inc()


@dataclass(frozen=True)
class _Failed:
    reason: str
    counts: bool = True
    """Whether the circuit breaker counts it."""
