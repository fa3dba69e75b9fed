"""Errors a user can act on: one sentence that says what was expected and what to do."""

from pathlib import Path


class CcmlError(Exception):
    """Shown without a traceback; `exit_code` is what the `ccml` command ends with."""

    exit_code = 1


class InputError(CcmlError):
    """An argument, a path or a format that cannot be used as it stands."""

    exit_code = 2


class SkippedError(CcmlError):
    """A step that does not apply as things stand. Carries the reason that the summary prints for it."""


class NotBetterError(SkippedError):
    """The gate did not let a candidate pass."""


class NotEnoughDataError(SkippedError):
    """The telemetry cannot support this step."""

    exit_code = 3


class IntegrityError(CcmlError):
    """A stored file does not agree with its manifest, its digest or its companions."""

    exit_code = 4


class DamagedFileError(IntegrityError):
    """A file or a table of the home cannot be read as what it is: which one, why, and what brings it back."""

    def __init__(self, path: Path, reason: str, cure: str) -> None:
        self.path = path
        self.reason = reason
        self.cure = cure
        super().__init__(f"{path}: {reason}. {cure}.")
