"""Puts a report where people find it: `reports/<model>.html`, self-contained, and the same facts as JSON beside it."""

from __future__ import annotations

import base64
from pathlib import Path

from ccml import atomic
from ccml.evaluation.html import page
from ccml.evaluation.plots import pictures
from ccml.evaluation.report import ModelReport


def publish_page(report: ModelReport, folder: Path, confidence: float) -> tuple[Path, dict[str, str]]:
    """Writes both files and returns the page's path, and each picture as Markdown for the orchestrator's pages."""
    drawn = pictures(report)
    path = folder / f"{report.model}.html"
    atomic.write_text(path, page(report, drawn, confidence=confidence))
    atomic.write_bytes(path.with_suffix(".json"), report.to_json())
    inline = {
        name: f"![{name}](data:image/png;base64,{base64.b64encode(content).decode('ascii')})"
        for name, content in drawn.items()
    }
    return path, inline
