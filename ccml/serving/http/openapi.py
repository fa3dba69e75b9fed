"""The interface as `/openapi.json` describes it, generated from the same declarations that check and encode."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from ccml.serving.routes import ACT, FEEDBACK
from ccml.serving.schema import ActRequest, Answer, FeedbackRequest

_PLACE: Final = "#/components/schemas/{}"
_REFUSALS: Final = {
    400: "No JSON object, or two Content-Lengths.",
    404: "Feedback on an interaction that this server does not remember for this session and user.",
    408: "The body did not arrive within the deadline.",
    413: "The body is larger than the limit.",
    415: "Not application/json, or a Content-Encoding.",
    421: "The Host header does not name this machine's loopback.",
    422: "A field is not as expected; each is named, none is repeated.",
    431: "Too many headers.",
    503: "Overloaded; try again after Retry-After seconds.",
}


def describe(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version="1", routes=app.routes)
    _, asked = models_json_schema(
        [(ActRequest, "validation"), (FeedbackRequest, "validation")], ref_template=_PLACE.format("{model}")
    )
    _, answered = msgspec.json.schema_components([Answer], ref_template=_PLACE.format("{name}"))
    refusal = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "problem"],
                "properties": {
                    "code": {"type": "string"},
                    "problem": {"type": "string"},
                    "fields": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["field", "problem"],
                            "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
                        },
                    },
                },
            }
        },
    }
    taken = {
        "type": "object",
        "required": ["interaction_id", "events"],
        "properties": {"interaction_id": {"type": "string"}, "events": {"type": "integer"}},
    }
    document["components"] = {"schemas": {**asked["$defs"], **answered, "Refusal": refusal, "Taken": taken}}
    for path, body, status, answer in ((ACT, "ActRequest", 200, "Answer"), (FEEDBACK, "FeedbackRequest", 202, "Taken")):
        operation = document["paths"][path]["post"]
        operation["requestBody"] = {"required": True, "content": _json(body)}
        operation["responses"] = {
            str(status): {"description": "As asked.", "content": _json(answer)},
            **{
                str(code): {"description": reason, "content": _json("Refusal")}
                for code, reason in _REFUSALS.items()
                if path == FEEDBACK or code != 404
            },
        }
    return document


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _PLACE.format(name)}}}
