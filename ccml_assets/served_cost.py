"""Time and memory of one answer of a candidate, measured with the graph and the code that will serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccml.errors import IntegrityError

if TYPE_CHECKING:
    from ccml.evaluation.cost import Cost
    from ccml.export.bundle import ExportReference
    from ccml.home import Home
    from ccml.models.candidates import CandidateReference

MOST_ROWS = 200
"""Test rows that are asked, evenly over the test rows; as many calls are timed."""


def served_cost(
    name: str, trained: CandidateReference, exported: ExportReference, rows: Any, home: Home
) -> tuple[Cost | None, dict[str, str]]:
    """The cost, and for the report's facts why there is none.

    Args:
        rows: the whole data set; its test rows are asked one at a time.
    """
    import numpy as np

    from ccml.evaluation.cost import measure
    from ccml.serving.loading.candidate import open_candidate

    test = rows[rows["split"] == "test"]
    asked = test.iloc[np.unique(np.linspace(0, len(test) - 1, MOST_ROWS).astype(int))]
    served = exported.serving.model
    try:
        model = open_candidate(name, home.root / trained.path, exported.read(home), served)
    except IntegrityError as error:
        return None, {"completion time": f"not measured: {error}"}
    answer, steps = model.one_answer(asked)
    return measure(answer, len(asked), measured=f"{steps} ({served}, as served, without HTTP)"), {}
