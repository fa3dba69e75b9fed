"""What assets reach out to besides their inputs: the home's folders, the profile, the pseudonyms' key, the encoder."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from ccml.home import Home
from ccml.profiles import EncoderSettings, Profile
from ccml.settings import loaded_profile


class Platform(dg.ConfigurableResource):
    """One home and the active profile. Values are made when asked for: a code server that only lists assets pays for
    none of them.
    """

    root: str = Field(description="Folder that holds everything the platform writes: CCML_HOME.")

    @property
    def home(self) -> Home:
        return Home(Path(self.root))

    @property
    def profile(self) -> Profile:
        return loaded_profile(self.home)

    def pseudonyms(self) -> Any:
        """The `Pseudonyms` of this home; the key is made on first use."""
        from ccml.privacy.pseudonyms import Pseudonyms, load_or_create_key

        return Pseudonyms(load_or_create_key(self.home.key_file))

    def encoder(self, corpus: Iterable[str] = ()) -> Any:
        """The `LoadedEncoder` of the profile. Published weights are loaded once a process: reading and checking them
        takes seconds. `corpus` are the training texts that a random encoder takes its vocabulary from.
        """
        from ccml.features.encoder import load_encoder

        settings = self.profile.encoder
        if settings.name == "tiny-random":
            return load_encoder(settings, corpus=corpus, seed=self.profile.seed)
        return _published_encoder(settings, self.home.root)


@cache
def _published_encoder(settings: EncoderSettings, root: Path) -> Any:
    from ccml.features.encoder import load_encoder

    return load_encoder(settings, search=[root / "encoders"])
