"""Puts a report where people find it: `reports/<model>.html`, self-contained, and the same facts as JSON beside it."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec

from ccml import atomic
from ccml.evaluation.model_page import page
from ccml.evaluation.plots import pictures
from ccml.evaluation.report import GateAnswer, ModelReport


def publish_page(report: ModelReport, folder: Path, confidence: float) -> tuple[Path, dict[str, str]]:
    """Draws the pictures, writes the page, and returns its path and each picture as Markdown for Dagster's pages.

    The pictures are kept under `<folder>/pictures/<model>/`: drawing takes most of a second, and the page is written
    again with the gate's answer and with the version.
    """
    drawn = pictures(report)
    kept = folder / "pictures" / report.model
    for old in set(kept.glob("*.png")) - {kept / f"{name}.png" for name in drawn}:
        old.unlink()
    for name, content in drawn.items():
        atomic.write_bytes(kept / f"{name}.png", content)
    inline = {
        name: f"![{name}](data:image/png;base64,{base64.b64encode(content).decode('ascii')})"
        for name, content in drawn.items()
    }
    return _write(report, drawn, folder, confidence), inline


def publish_answer(report: ModelReport, answer: GateAnswer, folder: Path, confidence: float) -> Path:
    """Writes the page of a published report again, now with the gate's answer."""
    drawn = {path.stem: path.read_bytes() for path in (folder / "pictures" / report.model).glob("*.png")}
    return _write(msgspec.structs.replace(report, gate=answer), drawn, folder, confidence)


def _write(report: ModelReport, drawn: dict[str, bytes], folder: Path, confidence: float) -> Path:
    path = folder / f"{report.model}.html"
    atomic.write_text(path, page(report, drawn, confidence=confidence))
    atomic.write_bytes(path.with_suffix(".json"), report.to_json())
    return path
