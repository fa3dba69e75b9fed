"""What assets reach out to besides their inputs: the home's folders, the profile, the pseudonyms' key, the encoder."""

from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from ccml.home import Home
from ccml.profiles import EncoderSettings, Profile, active_profile


class Platform(dg.ConfigurableResource):
    """One home and the active profile. Values are made when asked for: a code server that only lists assets pays for
    none of them.
    """

    root: str

    @property
    def home(self) -> Home:
        return Home(Path(self.root))

    @property
    def profile(self) -> Profile:
        return active_profile()

    def pseudonyms(self) -> Any:
        """The `Pseudonyms` of this home; the key is made on first use."""
        from ccml.privacy.pseudonyms import Pseudonyms, load_or_create_key

        return Pseudonyms(load_or_create_key(self.home.key_file))

    def encoder(self) -> Any:
        """The `LoadedEncoder` of the profile, loaded once a process: reading and checking weights takes seconds."""
        return _encoder(self.profile.encoder, self.profile.seed, self.home.root)


@cache
def _encoder(settings: EncoderSettings, seed: int, root: Path) -> Any:
    from ccml.features.encoder import load_encoder

    return load_encoder(settings, search=[root / "encoders"], seed=seed)
