"""The loaded releases. One thread looks at the pointers; it exchanges a model after the new one answered its golden
inputs as recorded.

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

MODEL_CLASSES: Final[dict[str, type[CommandModel] | type[IntentModel] | type[PolicyModel]]] = {
    COMMAND.name: CommandModel,
    INTENT.name: IntentModel,
    POLICY.name: PolicyModel,
}
_RETRY_SECONDS: Final = 30.0
"""A refused release is tried again: what was wrong may have been the disk, not the release."""
_KEPT_SECONDS: Final = 60.0
"""A previous version that was not needed for so long is unloaded: two of each model would not fit the memory."""


@dataclass
class _Slot:
    """What is known of one pointer and the model behind it."""

    model: Model | None = None
    loaded_sha256: str | None = None
    """Of the manifest of the release that `model` was loaded from."""
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
        self._slots: dict[tuple[str, Role], _Slot] = {
            (name, role): _Slot() for name in MODEL_CLASSES for role in ("champion", "previous")
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
        return self._slots[name, "champion"].model

    def previous(self, name: str) -> Model | None:
        """The previous version if it is loaded; if not, asks for it and returns None, for loading takes too long."""
        slot = self._slots[name, "previous"]
        slot.wanted_at = time.monotonic()
        if slot.model is None and slot.refused is None:
            self._wake.set()
        return slot.model

    def versions(self) -> dict[str, str]:
        """Name → version of the loaded champions."""
        loaded = {name: self.champion(name) for name in MODEL_CLASSES}
        return {name: model.opened.version for name, model in loaded.items() if model is not None}

    def problems(self) -> list[str]:
        """Why champions are missing or not the ones that the pointers name; fixed words, no paths."""
        return [f"{name}: {slot.refused}" for (name, role), slot in self._slots.items() if self._lacks(role, slot)]

    @staticmethod
    def _lacks(role: Role, slot: _Slot) -> bool:
        return role == "champion" and slot.refused is not None

    def _watch(self) -> None:
        while not self._stopping:
            self._wake.wait(self._settings.poll_seconds)
            self._wake.clear()
            if self._trim_due:
                self._trim_due = False
                _return_memory()
            self.look()

    def look(self) -> None:
        """Loads, exchanges and unloads models as the pointers and the requests of the last minute ask for."""
        for name in MODEL_CLASSES:
            self.look_at(name)

    def look_at(self, name: str) -> None:
        """The same for the releases of one name."""
        now = time.monotonic()
        self._refresh(name, "champion", now)
        champion, previous = self._slots[name, "champion"], self._slots[name, "previous"]
        needed = now - previous.wanted_at < _KEPT_SECONDS
        if champion.model is None or needed:
            self._refresh(name, "previous", now)
        elif previous.model is not None:
            self._replace(name, "previous", previous, None)

    def _refresh(self, name: str, role: Role, now: float) -> None:
        """Loads what the pointer names, or notes why that cannot be done."""
        slot = self._slots[name, role]
        try:
            pointer = read_pointer(self._models, name, role)
        except CcmlError:
            self._refuse(slot, "pointer", slot.pointer, now)
            return
        if pointer is None:
            if slot.model is not None:
                self._refuse(slot, "pointer", None, now)
            else:
                slot.refused, slot.pointer = "no_release", None
            return
        if pointer == slot.pointer and (slot.refused is None or now - slot.tried_at < _RETRY_SECONDS):
            return
        if slot.model is not None and slot.loaded_sha256 == pointer.manifest_sha256:
            slot.pointer, slot.refused = pointer, None
            return
        try:
            model = self._load(name, role, pointer)
        except ReleaseRefusedError as refused:
            self._refuse(slot, refused.reason, pointer, now)
        except CcmlError:
            self._refuse(slot, "integrity", pointer, now)
        else:
            slot.pointer, slot.refused, slot.loaded_sha256 = pointer, None, pointer.manifest_sha256
            self._replace(name, role, slot, model)

    def _load(self, name: str, role: Role, pointer: Pointer) -> Model:
        # Which graph is served is asked first, so that the other one is hashed but never held in memory.
        served = read_manifest(self._models, name, pointer.version).serving.model
        release = read_release(
            self._models, name, pointer.version, manifest_sha256=pointer.manifest_sha256, keep={*SERVED_FILES, served}
        )
        model = MODEL_CLASSES[name](release, self._settings.threads, self._settings.candidates, self._meter)
        if isinstance(model, CommandModel) and (role == "champion" or self.default_proposal is None):
            self.default_proposal = model.default
        if isinstance(model, IntentModel) and (role == "champion" or self.default_intent is None):
            self.default_intent = model.default
        return model

    def _refuse(self, slot: _Slot, reason: str, pointer: Pointer | None, now: float) -> None:
        already_counted = slot.refused == reason and slot.pointer == pointer
        if not already_counted or now - slot.tried_at >= _RETRY_SECONDS:
            self._meter.load_failures.labels(reason).inc()
            slot.tried_at = now
        slot.refused, slot.pointer = reason, pointer

    def _replace(self, name: str, role: Role, slot: _Slot, model: Model | None) -> None:
        if slot.model is not None:
            old = slot.model.opened
            self._meter.info.remove(name, old.version, old.graph.sha256, role)
        if model is not None:
            self._meter.info.labels(name, model.opened.version, model.opened.graph.sha256, role).set(1)
        slot.model = model
        # A batch may still be running on the old one, so its memory comes back at the next look.
        self._trim_due = True


def _return_memory() -> None:
    """Gives freed pages back to the system; glibc keeps them, and each exchange of a model would add to the process."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
