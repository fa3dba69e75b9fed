"""What every page is made of: one look, all inside one file that asks for nothing."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from ccml.evaluation.spelling import difference, figure, interval, percent, short
from ccml.evaluation.statistics import Interval


def render(template: str, **values: Any) -> str:
    """A page from a Jinja template that extends `frame`; every text is escaped, an unknown name is an error."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    environment = Environment(
        loader=DictLoader({"frame": _FRAME, "page": template}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "interval": interval,
        "difference": difference,
        "tone": tone,
        "figure": figure,
        "percent": percent,
        "unbroken": unbroken,
        "moment": moment,
        "short": short,
        "base64": lambda png: base64.b64encode(png).decode("ascii"),
    }
    return environment.get_template("page").render(**values)


def tone(value: Interval) -> str:
    """`good` where a difference lies wholly above zero, `bad` where wholly below, else `even`."""
    return "good" if value.above(0.0) else "bad" if value.below(0.0) else "even"


def unbroken(text: str) -> str:
    """A sentence in which no line ends between a figure and its unit."""
    return text.replace(" %", "\u00a0%").replace(" points", "\u00a0points")


def moment(iso: str) -> str:
    """'2026-11-28 08:05 UTC'."""
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{% block title %}{% endblock %} · CCML</title>
<style>
  :root { --ink: #1d2733; --quiet: #5b6773; --line: #e4e7eb; --model: #1f6f8b; --good: #2f855a; --bad: #b3471b; }
  * { box-sizing: border-box; }
  body { margin: 0; background: #f5f7f9; color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
  main { max-width: 940px; margin: 0 auto; padding: 32px 20px 72px; }
  h1 { margin: 0; font-size: 28px; letter-spacing: -.01em; }
  h2 { margin: 0 0 4px; font-size: 18px; }
  h3 { margin: 18px 0 4px; font-size: 15px; }
  p { margin: 0; }
  a { color: var(--model); }
  .quiet { color: var(--quiet); }
  .small { font-size: 13.5px; }
  section { margin-top: 20px; padding: 20px 24px; background: #fff; border: 1px solid var(--line); }
  section { border-radius: 10px; }
  section > p.quiet { margin-bottom: 12px; font-size: 13.5px; }
  .headline { display: flex; flex-wrap: wrap; gap: 4px 28px; align-items: baseline; margin: 14px 0 8px; }
  .value { font-size: 44px; font-weight: 650; color: var(--model); letter-spacing: -.02em; line-height: 1.1; }
  .verdict { padding: 8px 12px; border-left: 4px solid var(--quiet); background: #f5f7f9; border-radius: 0 6px 6px 0; }
  .verdict + .verdict { margin-top: 8px; } .verdict + .scroll { margin-top: 12px; }
  .verdict.good { border-color: var(--good); } .verdict.bad { border-color: var(--bad); }
  .verdict ul { margin: 4px 0 0; padding-left: 20px; font-size: 13.5px; }
  table { width: 100%; border-collapse: collapse; font-size: 13.5px; }
  th { text-align: left; font-weight: 600; color: var(--quiet); }
  th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
  tr:last-child td { border-bottom: 0; }
  td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
  td.n, td.whole { white-space: nowrap; }
  td:last-child, th:last-child { padding-right: 0; }
  td.n + td, th.n + th { padding-left: 14px; }
  td.n + td.n, th.n + th.n { padding-left: 0; }
  td.text, td.text code { overflow-wrap: anywhere; }
  .scroll { overflow-x: auto; }
  img { display: block; width: 100%; height: auto; margin-bottom: 8px; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 8px 0 0; font-size: 13.5px; }
  dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
  code { font: 12.5px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: break-word; }
  .good-text { color: var(--good); } .bad-text { color: var(--bad); } .even-text { color: inherit; }
  .bar { display: block; height: 10px; border-radius: 2px; background: var(--model); min-width: 1px; }
  .bar.other { background: #9aa5b1; margin-top: 2px; }
  @media (max-width: 760px) { main { padding: 20px 10px 48px; } section { padding: 16px 14px; } }
  @media print { body { background: #fff; } section { break-inside: avoid; } }
</style>
</head>
<body>
<main>
<p class="quiet">{% block kicker %}{% endblock %}</p>
<h1>{{ self.title() }}</h1>
{% block body %}{% endblock %}
</main>
</body>
</html>
"""
