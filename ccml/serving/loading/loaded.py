"""The loaded releases. One thread looks at the pointers and exchanges a model only once the new one has proved itself.

Requests never wait for a load: a batch takes the models that are loaded when it begins and keeps them to its end. A
release that is refused leaves the old one where it was.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ccml.errors import CcmlError
from ccml.models.kinds import COMMAND, INTENT, POLICY
from ccml.releases.manifest import Pointer
from ccml.releases.reader import read_manifest, read_pointer, read_release
from ccml.serving.loading.command import CommandModel
from ccml.serving.loading.intent import IntentModel
from ccml.serving.loading.opened import SERVED_FILES, ReleaseRefusedError
from ccml.serving.loading.policy import PolicyModel
from ccml.serving.turn import IntentGuess, Proposal

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter
    from ccml.serving.settings import ServingSettings

Role: TypeAlias = Literal["champion", "previous"]
Model: TypeAlias = CommandModel | IntentModel | PolicyModel

_KINDS: Final[dict[str, type[CommandModel] | type[IntentModel] | type[PolicyModel]]] = {
    COMMAND.name: CommandModel,
    INTENT.name: IntentModel,
    POLICY.name: PolicyModel,
}
_RETRY_SECONDS: Final = 30.0
"""A refused release is tried again: what was wrong may have been the disk, not the release."""
_KEPT_SECONDS: Final = 60.0
"""A previous version that nobody has needed for so long is let go; two of everything would not fit the memory."""


@dataclass
class _Slot:
    """What is known of one pointer and the model behind it."""

    model: Model | None = None
    pointer: Pointer | None = None
    refused: str | None = None
    """Why the release the pointer names is not the one loaded; None if it is."""
    tried_at: float = -_RETRY_SECONDS
    wanted_at: float = -_KEPT_SECONDS


class LoadedModels:
    def __init__(self, models: Path, settings: ServingSettings, meter: Meter) -> None:
        self._models = models
        self._settings = settings
        self._meter = meter
        self._places: dict[tuple[str, Role], _Slot] = {
            (name, role): _Slot() for name in _KINDS for role in ("champion", "previous")
        }
        self._wake = threading.Event()
        self._stopping = False
        self._trim_due = False
        self._thread = threading.Thread(target=self._watch, name="releases", daemon=True)
        self.default_proposal: Proposal | None = None
        self.default_intent: IntentGuess | None = None

    def start(self) -> None:
        """Loads what the pointers name, then watches them."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def champion(self, name: str) -> Model | None:
        return self._places[name, "champion"].model

    def previous(self, name: str) -> Model | None:
        """The previous version if it is loaded; if not, asks for it and returns None, for loading takes too long."""
        place = self._places[name, "previous"]
        place.wanted_at = time.monotonic()
        if place.model is None and place.refused is None:
            self._wake.set()
        return place.model

    def versions(self) -> dict[str, str]:
        """Name → version of the loaded champions."""
        loaded = {name: self.champion(name) for name in _KINDS}
        return {name: model.opened.version for name, model in loaded.items() if model is not None}

    def problems(self) -> list[str]:
        """Why champions are missing or not the ones that the pointers name; fixed words, no paths."""
        return [f"{name}: {place.refused}" for (name, role), place in self._places.items() if self._lacks(role, place)]

    @staticmethod
    def _lacks(role: Role, place: _Slot) -> bool:
        return role == "champion" and place.refused is not None

    def _watch(self) -> None:
        while not self._stopping:
            self._wake.wait(self._settings.poll_seconds)
            self._wake.clear()
            if self._trim_due:
                self._trim_due = False
                _return_memory()
            self.look()

    def look(self) -> None:
        """Brings every place in line with its pointer."""
        now = time.monotonic()
        for name in _KINDS:
            self._refresh(name, "champion", now)
            champion, previous = self._places[name, "champion"], self._places[name, "previous"]
            needed = now - previous.wanted_at < _KEPT_SECONDS
            if champion.model is None or needed:
                self._refresh(name, "previous", now)
            elif previous.model is not None:
                self._replace(name, "previous", previous, None)

    def _refresh(self, name: str, role: Role, now: float) -> None:
        """Brings the place in line with its pointer, or notes why that cannot be done."""
        place = self._places[name, role]
        try:
            pointer = read_pointer(self._models, name, role)
        except CcmlError:
            self._refuse(place, "pointer", place.pointer, now)
            return
        if pointer is None:
            if place.model is not None:
                self._refuse(place, "pointer", None, now)
            else:
                place.refused, place.pointer = "no_release", None
            return
        if pointer == place.pointer and (place.refused is None or now - place.tried_at < _RETRY_SECONDS):
            return
        same = place.model is not None and place.model.opened.release.manifest_sha256 == pointer.manifest_sha256
        if same:
            place.pointer, place.refused = pointer, None
            return
        try:
            model = self._load(name, role, pointer)
        except ReleaseRefusedError as refused:
            self._refuse(place, refused.reason, pointer, now)
        except CcmlError:
            self._refuse(place, "integrity", pointer, now)
        else:
            place.pointer, place.refused = pointer, None
            self._replace(name, role, place, model)

    def _load(self, name: str, role: Role, pointer: Pointer) -> Model:
        # Which graph is served is asked first, so that the other one is hashed but never held in memory.
        served = read_manifest(self._models, name, pointer.version).serving.model
        release = read_release(
            self._models, name, pointer.version, manifest_sha256=pointer.manifest_sha256, keep={*SERVED_FILES, served}
        )
        model = _KINDS[name](release, self._settings.threads, self._settings.candidates, self._meter)
        if isinstance(model, CommandModel) and (role == "champion" or self.default_proposal is None):
            self.default_proposal = model.default
        if isinstance(model, IntentModel) and (role == "champion" or self.default_intent is None):
            self.default_intent = model.default
        return model

    def _refuse(self, place: _Slot, reason: str, pointer: Pointer | None, now: float) -> None:
        already_counted = place.refused == reason and place.pointer == pointer
        if not already_counted or now - place.tried_at >= _RETRY_SECONDS:
            self._meter.load_failures.labels(reason).inc()
            place.tried_at = now
        place.refused, place.pointer = reason, pointer

    def _replace(self, name: str, role: Role, place: _Slot, model: Model | None) -> None:
        if place.model is not None:
            old = place.model.opened
            self._meter.info.remove(name, old.version, old.graph.sha256, role)
        if model is not None:
            self._meter.info.labels(name, model.opened.version, model.opened.graph.sha256, role).set(1)
        place.model = model
        # A batch may still be running on the old one, so its memory comes back at the next look.
        self._trim_due = True


def _return_memory() -> None:
    """Gives freed pages back to the system; glibc keeps them, and each exchange of a model would add to the process."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
