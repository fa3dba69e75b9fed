"""Where the platform keeps its state: one folder, `CCML_HOME`, `.ccml/` in the working directory by default."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ccml.errors import InputError

_NOT_IN_A_PATH = re.compile(rb"[?\[\]*]|%[0-9A-Fa-f]{2}|[\x00-\x1f]")


@dataclass(frozen=True)
class Home:
    """Paths of one platform's state. Making the value touches nothing on the disk."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """
        Raises:
            InputError: the path holds characters that the databases and tables below it take for something else.
        """
        root = Path(os.environ.get("CCML_HOME", ".ccml")).expanduser().resolve()
        found = _NOT_IN_A_PATH.search(os.fsencode(root))
        if found:
            sign = found[0].decode(errors="replace")
            raise InputError(
                f"The state cannot lie in {os.fsencode(root).decode(errors='replace')}: {sign!r} in the path of a "
                "database or a table is read as part of an address. Set CCML_HOME to another folder."
            )
        return cls(root)

    def relative(self, path: Path) -> str:
        """What is stored of a path in here, so that the home can be moved; `root / relative` leads back.

        Raises:
            ValueError: the path is not in the home.
        """
        return path.resolve().relative_to(self.root.resolve()).as_posix()

    @property
    def settings(self) -> Path:
        """The user's own settings, over those of the profile; not there unless the user wrote it."""
        return self.root / "ccml.toml"

    @property
    def landing(self) -> Path:
        """Logs to land are put here; the only folder of the home that other programs write to."""
        return self.root / "landing"

    @property
    def lake(self) -> Path:
        """Landed events (Delta) and everything derived from them (Parquet)."""
        return self.root / "lake"

    @property
    def truth(self) -> Path:
        """What the simulator drew its telemetry from; no asset reads it."""
        return self.root / "truth"

    @property
    def candidates(self) -> Path:
        """Trained models before the gate, one folder per content hash."""
        return self.root / "candidates"

    @property
    def models(self) -> Path:
        """Releases, `<name>/<semver>/`; `<name>/champion.json` and `<name>/previous.json` point at two of them."""
        return self.root / "models"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def embeddings(self) -> Path:
        """The encoder's vector of each text, by content; can be computed again."""
        return self.root / "cache" / "embeddings"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def logs(self) -> Path:
        """What Dagster and the libraries below it logged, for people."""
        return self.root / "logs"

    @property
    def study(self) -> Path:
        """Optuna's journal."""
        return self.root / "study"

    @property
    def mlflow_uri(self) -> str:
        return f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def key_file(self) -> Path:
        """The key of the pseudonyms, made on first use, readable by its owner alone."""
        return self.root / "pseudonym.key"
