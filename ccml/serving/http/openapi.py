"""The interface as `/openapi.json` describes it, generated from the same declarations that check and encode."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ccml.serving.routes import ACT, FEEDBACK
from ccml.serving.schema import ActRequest, Answer, FeedbackAnswer, FeedbackRequest, RefusalAnswer

_REFUSALS: Final = {
    400: "No JSON, or two Content-Lengths.",
    404: "Feedback on an interaction that this server does not remember for this session and user.",
    408: "The body did not arrive within the deadline.",
    413: "The body is larger than the limit.",
    415: "Not application/json, or a Content-Encoding.",
    421: "The Host header does not name this machine's loopback.",
    422: "A field is not as declared; each is named, none is repeated.",
    431: "Too many headers.",
    503: "Overloaded; try again after Retry-After seconds.",
}
_PAGES: Final = {
    "/healthz": "The process is alive.",
    "/readyz": "Which models are loaded, and what is wrong; 503 while there is none, or while the server stops.",
    "/metrics": "Prometheus metrics.",
    "/openapi.json": "This description.",
}


def describe() -> dict[str, Any]:
    declared = (ActRequest, Answer, FeedbackRequest, FeedbackAnswer, RefusalAnswer)
    _, schemas = msgspec.json.schema_components(declared, ref_template="#/components/schemas/{name}")
    pages = {
        path: {"get": {"summary": summary, "responses": {"200": {"description": summary}}}}
        for path, summary in _PAGES.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "CCML", "version": "1"},
        "paths": {
            ACT: {"post": _operation("What to do about a request.", ActRequest, 200, Answer)},
            FEEDBACK: {"post": _operation("What came of an answer.", FeedbackRequest, 202, FeedbackAnswer)},
            **pages,
        },
        "components": {"schemas": schemas},
    }


def _operation(summary: str, body: type, status: int, answer: type) -> dict[str, Any]:
    refusals = {code: reason for code, reason in _REFUSALS.items() if code != 404 or body is FeedbackRequest}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": _json(body)},
        "responses": {
            str(status): {"description": "As asked.", "content": _json(answer)},
            **{str(code): {"description": why, "content": _json(RefusalAnswer)} for code, why in refusals.items()},
        },
    }


def _json(declared: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{declared.__name__}"}}}
