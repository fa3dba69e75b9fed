"""`ccml roll-back`: the previous release becomes the champion again."""

import typer

from ccml.errors import InputError
from ccml.home import Home
from ccml.models.kinds import KINDS
from ccml.releases.reader import read_pointer
from ccml.releases.store import roll_back


def roll_back_model(name: str, reason: str) -> None:
    """
    Raises:
        InputError: no such model, or nothing to go back to.
        ChampionMovedError: another release became champion meanwhile.
        IntegrityError: the release to go back to is not whole.
    """
    from ccml_resources.experiments import experiments

    if name not in KINDS:
        raise InputError(f"{name!r} is no model; expected one of {', '.join(KINDS)}.")
    home = Home.from_environment()
    champion = read_pointer(home.models, name, "champion")
    pointer = roll_back(home.models, name, expected=champion.version if champion else None, reason=reason)
    experiments(home).mirror_releases(home.models, name)
    assert champion is not None, "only a champion can be rolled back"
    typer.echo(f"{name}: {pointer.version} is the champion again, in place of {champion.version}.")
