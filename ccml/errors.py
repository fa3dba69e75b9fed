"""Errors a user can act on: one sentence that says what was expected and what to do."""


class CcmlError(Exception):
    """Shown without a traceback; `exit_code` is what the `ccml` command ends with."""

    exit_code = 1


class InputError(CcmlError):
    """An argument, a path or a format that cannot be used as it stands."""

    exit_code = 2


class NotEnoughDataError(CcmlError):
    """The telemetry cannot support this step. Carries the reason that the report prints for the skipped step."""

    exit_code = 3


class IntegrityError(CcmlError):
    """A stored file does not agree with its manifest, its digest or its companions."""

    exit_code = 4
