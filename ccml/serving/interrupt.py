"""How a caller stops a graph that is running."""

from __future__ import annotations

from typing import Any


class Interrupt:
    """Stops a batch that nobody waits for any more, between two nodes of the graph that is running."""

    def __init__(self) -> None:
        import onnxruntime

        self.run_options: Any = onnxruntime.RunOptions()

    def stop(self) -> None:
        self.run_options.terminate = True

    @property
    def stopped(self) -> bool:
        return bool(self.run_options.terminate)
