"""Weights into a module, or an error that names the file."""

from __future__ import annotations

from typing import Any

import torch  # noqa: TID253  (only training and export import this module)

from ccml.errors import IntegrityError
from ccml.models.artifact import WEIGHTS, Candidate


def load_tensors(module: Any, candidate: Candidate) -> None:
    """Leaves the module in evaluation mode.

    Raises:
        IntegrityError: the weights are not those of this architecture.
    """
    try:
        module.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in candidate.tensors.items()})
    except RuntimeError as error:
        place = (candidate.directory / WEIGHTS) if candidate.directory else WEIGHTS
        first = next((line.strip() for line in str(error).splitlines()[1:]), str(error))
        raise IntegrityError(f"{place}: not the weights of the architecture in config.json ({first}).") from None
    module.eval()
