"""From a request on the wire to the struct it declares, or to a refusal that names every wrong field.

A refusal never repeats what was sent: that would put a password that somebody typed into the wrong place into answers,
logs and screenshots.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Struct, ValidationError
from starlette.requests import Request

from ccml.serving.http.refusal import RefusedError
from ccml.serving.schema import CLEAN, CLEAN_WORDS, FieldProblem
from ccml.serving.settings import ServingSettings

Asked = TypeVar("Asked", bound=Struct)


async def read_body(request: Request, settings: ServingSettings) -> bytes:
    """The whole body. Its size is counted as it comes, because a chunked body announces no length.

    Starlette's own limit (`max_body_size`) would answer in plain text, past the metrics.

    Raises:
        RefusedError: of another type than JSON, compressed, too large or too slow.
        ClientDisconnect: the client hung up.
    """
    _check_headers(request, settings)
    body = bytearray()
    try:
        async with asyncio.timeout(settings.deadline_ms / 1000):
            async for part in request.stream():
                body += part
                if len(body) > settings.body_bytes:
                    raise _too_large(settings)
    except TimeoutError:
        # Held open, a few slow senders would take every place in flight.
        problem = f"The body did not arrive within {settings.deadline_ms} ms."
        raise RefusedError(408, "slow_body", problem) from None
    return bytes(body)


def _check_headers(request: Request, settings: ServingSettings) -> None:
    headers = request.headers
    if len(headers) > settings.headers:
        raise RefusedError(431, "headers", f"Expected at most {settings.headers} headers.")
    kinds = headers.getlist("content-type")
    if len(kinds) != 1 or kinds[0].split(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, "content_type", "Expected Content-Type: application/json.")
    if "content-encoding" in headers:
        # A compressed body of a few kilobytes can unfold to gigabytes.
        raise RefusedError(415, "content_encoding", "Expected a body without Content-Encoding.")
    # A request with two lengths, or with one that is no number, is refused by uvicorn.
    if int(headers.get("content-length", "0")[:20]) > settings.body_bytes:
        raise _too_large(settings)


def _too_large(settings: ServingSettings) -> RefusedError:
    return RefusedError(413, "body", f"The body is larger than {settings.body_bytes} bytes.")


def read(body: bytes, kind: type[Asked]) -> Asked:
    """
    Raises:
        RefusedError: 400 for what is no JSON, 422 with each field that is not as declared.
    """
    value = _strict_json(body)
    try:
        return msgspec.convert(value, kind)
    except ValidationError:
        problems = list(_problems(value, kind, ""))
    raise _invalid(422, problems)


def _strict_json(body: bytes) -> Any:
    """JSON without what decoders read differently: NaN, a field twice, invalid UTF-8. msgspec takes a field twice."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique_fields, parse_constant=_no_constant)
    except UnicodeDecodeError:
        problem = "Expected UTF-8"
    except RecursionError:
        problem = "Expected less nesting"
    except json.JSONDecodeError as error:
        problem = f"Expected JSON; it breaks at character {error.pos}"
    except _NotStrictError as error:
        problem = str(error)
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        problem = "Expected numbers of ordinary length"
    raise _invalid(400, [FieldProblem("body", problem)])


class _NotStrictError(ValueError):
    pass


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotStrictError("Expected each field at most once")
    return value


def _no_constant(_name: str) -> Any:
    raise _NotStrictError("Expected finite numbers")


def _problems(value: Any, declared: Any, place: str) -> Iterator[FieldProblem]:
    """Every field that is not as declared; msgspec by itself stops at the first.

    Args:
        declared: the type of `value`.
        place: path of `value`, empty for the body.
    """
    struct = next((one for one in (declared, *get_args(declared)) if _is_struct(one)), None)
    if struct is not None and isinstance(value, dict):
        fields = msgspec.structs.fields(struct)
        if value.keys() - {field.name for field in fields}:
            # The unknown name is the client's text as much as any value is.
            yield FieldProblem(place or "body", "Has a field that is not part of the interface (see /openapi.json)")
        for field in fields:
            path = f"{place}.{field.name}".lstrip(".")
            if field.name in value:
                yield from _problems(value[field.name], field.type, path)
            elif field.required:
                yield FieldProblem(path, "Is required")
        return
    try:
        msgspec.convert(value, declared)
    except ValidationError as error:
        problem, _, inner = str(error).partition(" - at `$")
        inner = re.sub(r"\[(\d+)\]", r".\1", inner.rstrip("`"))
        if problem.startswith("Object contains unknown field"):
            problem = "Has a field that is not part of the interface (see /openapi.json)"
        elif problem == f"Expected `str` matching regex {CLEAN!r}":
            problem = "Expected text without NUL and without half a surrogate pair"
        elif problem == f"Expected `str` matching regex {CLEAN_WORDS!r}":
            problem = "Expected words: text that is not blank, without NUL and without half a surrogate pair"
        elif problem.startswith("Invalid enum value"):
            problem = "Expected one of the values that /openapi.json lists"
        elif problem.startswith("Object missing required field"):
            # msgspec places it at the object; what is missing is declared, so its name may be given.
            inner += "." + problem.split("`")[1]
            problem = "Is required"
        yield FieldProblem((place + inner).lstrip(".") or "body", problem)


def _is_struct(declared: Any) -> bool:
    return isinstance(declared, type) and issubclass(declared, Struct)


def _invalid(status: int, fields: list[FieldProblem]) -> RefusedError:
    return RefusedError(status, "invalid", "; ".join(f"{one.field}: {one.problem}" for one in fields), fields)
