"""What Dagster and the libraries below it log goes to a file of the home; the terminal shows errors alone."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler

from ccml.home import Home

LARGEST = 1_000_000
"""Bytes of a log; the one before it is kept."""


@contextmanager
def warnings_shown() -> Iterator[None]:
    """A damaged file that was set aside is named on the terminal, whatever the command."""
    shown = logging.StreamHandler()
    shown.setFormatter(logging.Formatter("warning: %(message)s"))
    logger = logging.getLogger("ccml.stored")
    logger.addHandler(shown)
    try:
        yield
    finally:
        logger.removeHandler(shown)


@contextmanager
def logged_to_file(home: Home) -> Iterator[None]:
    """Gives the root logger its handlers. Without any Python prints each warning, such as Dagster's one for each check
    of a skipped asset.
    """
    home.logs.mkdir(parents=True, exist_ok=True)
    written = RotatingFileHandler(home.logs / "ccml.log", maxBytes=LARGEST, backupCount=1, delay=True)
    written.setLevel(logging.WARNING)
    written.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    shown = logging.StreamHandler()
    shown.setLevel(logging.ERROR)
    # A Ctrl-C that meets the closing of a database is caught and logged there.
    shown.addFilter(lambda record: not (record.exc_info and record.exc_info[0] is KeyboardInterrupt))
    root = logging.getLogger()
    root.addHandler(written)
    root.addHandler(shown)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(shown)
        root.removeHandler(written)
        written.close()
