"""The server's interface: one request in, one answer out, and whatever happened to it counted and logged."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.serving.answers import rules
from ccml.serving.answers.answer import answer_of
from ccml.serving.answers.batcher import MicroBatcher
from ccml.serving.answers.predictor import Predictor
from ccml.serving.http.admission import Admission, started_at
from ccml.serving.http.openapi import describe
from ccml.serving.http.reading import read, read_body
from ccml.serving.http.refusal import RefusedError, StructResponse, refuse
from ccml.serving.loading.loaded import LoadedModels
from ccml.serving.logging.log import ServedLog
from ccml.serving.logging.recent import RecentInteractions, Remembered
from ccml.serving.logging.telemetry import answer_events, feedback_events
from ccml.serving.metrics import Meter, Outcome
from ccml.serving.routes import ACT, FEEDBACK
from ccml.serving.schema import ActRequest, FeedbackAnswer, FeedbackRequest, PastCommand, Session
from ccml.serving.settings import ServingSettings
from ccml.serving.turn import Decision, Turn

_log = logging.getLogger("ccml.serving")


class Service:
    """The parts of one server, started and stopped together."""

    def __init__(self, models: Path, log_dir: Path, pseudonyms: Pseudonyms, settings: ServingSettings) -> None:
        self.settings = settings
        self.meter = Meter()
        self.loaded = LoadedModels(models, settings, self.meter)
        self.predictor = Predictor(self.loaded, settings, self.meter)
        self.batcher: MicroBatcher[Turn, Decision] = MicroBatcher(self.predictor.decide, settings.batch, self.meter)
        self.log = ServedLog(log_dir, pseudonyms, settings, self.meter)
        self.recent = RecentInteractions(settings.remembered)
        self.host = socket.gethostname()

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        self.log.start()
        await asyncio.to_thread(self.loaded.start)
        await asyncio.to_thread(_warm_up)
        self.batcher.start()
        try:
            yield
        finally:
            await self.batcher.stop()
            await asyncio.to_thread(self.loaded.stop)
            await asyncio.to_thread(self.log.close)

    async def act(self, request: Request) -> Response:
        started = started_at(request.scope)
        asked = read(await read_body(request, self.settings), ActRequest)
        turn = Turn.of(asked)
        allowed_ms = min(self.settings.deadline_ms, asked.deadline_ms or self.settings.deadline_ms)
        decided = await self._unless_gone(request, self._decide(turn, started + allowed_ms / 1000))
        if decided is None:
            raise ClientDisconnect
        decision, outcome = decided
        answer = answer_of(decision, started)
        self.meter.request(outcome)
        for command in answer.commands:
            if command.risk != "safe":
                self.meter.verdicts.labels(command.risk).inc()
        top = answer.commands[0].command if answer.commands else ""
        self.recent.remember(answer.interaction_id, Remembered(asked.session.session_id, asked.session.user_id, top))
        for event in answer_events(asked, turn, answer, self.host):
            self.log.write(event)
        return StructResponse(answer)

    async def _decide(self, turn: Turn, deadline: float) -> tuple[Decision, Outcome]:
        try:
            decision = await self.batcher.submit(turn, deadline)
            return decision, "fallback" if decision.degraded else "ok"
        except TimeoutError:
            outcome: Outcome = "deadline"
        except Exception:  # noqa: BLE001 - counted as an error and answered without models
            _log.exception("A batch failed outside of its responders.")
            outcome = "error"
        # The model thread is late or broken: only responders that do not need it are asked.
        return self.predictor.decide([turn], None)[0], outcome

    async def _unless_gone(self, request: Request, deciding: Any) -> tuple[Decision, Outcome] | None:
        """The decision, or None if the client hung up first; a request still queued then never runs."""
        decision = asyncio.ensure_future(deciding)
        leaving = asyncio.ensure_future(_hung_up(request))
        try:
            await asyncio.wait({decision, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return await decision if decision.done() else None
        finally:
            leaving.cancel()
            decision.cancel()

    async def feedback(self, request: Request) -> Response:
        body = await read_body(request, self.settings)
        given = read(body, FeedbackRequest)
        found = self.recent.find(given.interaction_id, given.session_id, given.user_id)
        if found is None:
            raise RefusedError(
                404,
                "unknown_interaction",
                "No answer of this server to this session and user has this interaction_id; it may have been given"
                f" before a restart, or more than {self.settings.remembered} answers ago.",
            )
        digest = hashlib.sha256(body).hexdigest()
        events = feedback_events(given, found.command, digest) if digest not in found.posted else []
        found.posted.add(digest)
        for event in events:
            self.log.write(event)
        self.meter.feedback.labels("ok" if events else "empty").inc()
        return StructResponse(FeedbackAnswer(given.interaction_id, len(events)), 202)

    async def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        self.meter.refused(request.scope["path"], error.status)
        return refuse(error)

    async def hung_up(self, request: Request, _error: Exception) -> Response:
        self.meter.refused(request.scope["path"], 499)
        return Response(status_code=499)  # nobody reads it

    def ready(self, draining: bool) -> tuple[bool, dict[str, Any]]:
        versions, problems = self.loaded.versions(), self.loaded.problems()
        if draining:
            problems.append("server: draining")
        if not self.batcher.alive:
            problems.append("server: starting")
        ready = bool(versions) and self.batcher.alive and not draining
        return ready, {"ready": ready, "models": versions, "problems": problems}


def create_app(
    models: Path, log_dir: Path, pseudonyms: Pseudonyms, settings: ServingSettings | None = None
) -> Admission:
    """The ASGI application. Nothing is read or started before its lifespan begins.

    Args:
        models: where releases and their pointers lie.
        log_dir: where the served log is written.
    """
    settings = settings or ServingSettings()
    service = Service(models, log_dir, pseudonyms, settings)

    async def healthz(_request: Request) -> Response:
        return StructResponse({"alive": True})

    async def readyz(_request: Request) -> Response:
        ready, facts = service.ready(admission.draining)
        return StructResponse(facts, 200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        return Response(service.meter.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def openapi(_request: Request) -> Response:
        return StructResponse(describe())

    app = Starlette(
        routes=[
            Route(ACT, service.act, methods=["POST"]),
            Route(FEEDBACK, service.feedback, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            Route("/openapi.json", openapi),
        ],
        exception_handlers={
            RefusedError: service.refused,
            ClientDisconnect: service.hung_up,
            HTTPException: _not_routed,
        },
        lifespan=service.running,
    )
    app.state.service = service
    admission = Admission(app, settings, service.meter)
    return admission


async def _not_routed(_request: Request, error: Exception) -> Response:
    """An unknown path, or a known one asked in another way, in the form of every refusal."""
    assert isinstance(error, HTTPException)
    code = "method_not_allowed" if error.status_code == 405 else "not_found"
    answer = refuse(RefusedError(error.status_code, code, "Not part of the interface; /openapi.json describes it."))
    answer.headers.update(error.headers or {})
    return answer


def _warm_up() -> None:
    """Loads the grammar and compiles the patterns, or the first request would pay for them out of its deadline."""
    session = Session(session_id="warm-up", user_id="warm-up", history=[PastCommand(command="ls -la | head")])
    turn = Turn.of(ActRequest(request="find the big files", session=session))
    rules.propose(turn)
    rules.guess_intent(turn)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
