"""The page that joins the others: what was learnt from which data, with each verdict and its date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from ccml.evaluation.html import render
from ccml.evaluation.model_page import GATE_TONES
from ccml.evaluation.report import ModelReport


class ModelEntry(Struct, frozen=True):
    """A model as it stands: its last report, or why there is none."""

    title: str
    report: ModelReport | None
    missing: str
    champion: str | None
    """Version that is served."""
    since: str | None


class DriftEntry(Struct, frozen=True):
    verdict: str
    """Or why there is none."""
    drifted: bool | None
    """None where it was not evaluated."""
    made: str | None


class CheckEntry(Struct, frozen=True):
    """The newest verdict of a check of a table."""

    table: str
    check: str
    verdict: Literal["passed", "failed", "warning", "not evaluated"]
    seen: str
    """What was looked at, and what was found."""
    document: str | None = None
    """Name of its Data Docs page under `data_docs/`."""


CHECK_TONES = {"passed": "good", "failed": "bad", "warning": "bad", "not evaluated": "even"}


def index_page(
    models: Sequence[ModelEntry],
    drift: DriftEntry,
    data: dict[str, Any],
    *,
    period: tuple[str, str] | None,
    checks: Sequence[CheckEntry],
    made: str,
) -> str:
    """
    Args:
        data: counts of lines and rows, as in the summary's `interactions`.
        period: first and last day with clean interactions.
    """
    return render(
        _PAGE,
        models=models,
        drift=drift,
        data=data,
        period=period,
        checks=checks,
        check_tones=CHECK_TONES,
        made=made,
        gate_tones=GATE_TONES,
    )


_PAGE = """{% extends "frame" %}
{% block title %}Reports{% endblock %}
{% block kicker %}CCML{% endblock %}
{% block body %}
<p class="quiet small">As of {{ made|moment }}</p>
<section>
  <h2>Models</h2>
  <p class="quiet">Each figure is measured on test rows; the gate compares the candidate with the champion and every
    simple model on them.</p>
  <div class="scroll"><table>
    <tr><th>Model</th><th>Figure on test rows</th><th>The gate's answer</th><th>Served</th><th>Evaluated</th></tr>
    {% for one in models %}
    <tr>
      {% if one.report is none %}
      <td>{{ one.title }}</td><td class="quiet" colspan="2">not evaluated: {{ one.missing }}</td>
      {% else %}
      <td><a href="{{ one.report.model }}.html">{{ one.report.title }}</a></td>
      <td class="whole">{{ one.report.headline_value|interval(one.report.headline_unit) }}<br>
        <span class="quiet">{{ one.report.headline }}</span></td>
      <td class="{{ gate_tones[one.report.gate.answer] if one.report.gate else 'even' }}-text">
        {{- one.report.gate.answer if one.report.gate else "not yet" }}</td>
      {% endif %}
      <td>{% if one.champion %}version {{ one.champion }}<br><span class="quiet">since {{ one.since|moment }}</span>
        {% else %}no release yet{% endif %}</td>
      <td>{{ one.report.made|moment if one.report else "not yet" }}</td></tr>
    {% endfor %}
  </table></div>
</section>

<section>
  <h2>Drift of served traffic</h2>
  <p class="verdict {{ {none: 'even', true: 'bad', false: 'good'}[drift.drifted] }}">{{ drift.verdict }}
    {%- if drift.made %} <a href="drift.html">The page</a>, made {{ drift.made|moment }}.{% endif %}</p>
</section>

<section>
  <h2>Data</h2>
  <p class="quiet">{% if period %}Days with interactions: {{ period[0] }} to {{ period[1] }} (UTC).
    {% else %}No interaction has been cleaned yet.{% endif %}</p>
  <dl>
    <dt>read</dt><dd>{{ data.lines|short }} lines in {{ data.files|short }} files</dd>
    <dt>landed</dt><dd>{{ data.landed_lines|short }} lines</dd>
    <dt>kept aside</dt><dd>{{ data.quarantined|short }} lines in quarantine
      {%- for reason, count in data.reasons.items() %}{{ ": " if loop.first else ", " }}{{ count|short }}
      {{ reason }}{% endfor %}</dd>
    <dt>landed before</dt><dd>{{ data.duplicates|short }} duplicate lines</dd>
    <dt>interactions</dt><dd>{{ data.kept|short }} kept after cleaning; {{ data.rejected|short }}
      events set aside there</dd>
  </dl>
  {% if checks %}
  <h3>Checks of the tables</h3>
  <p class="quiet small">Of a daily table the verdict is on the days that were made last.</p>
  <div class="scroll"><table>
    <tr><th>Table</th><th>Check</th><th>Newest verdict</th><th>What was seen</th></tr>
    {% for one in checks %}
    <tr><td>{{ one.table }}</td>
      <td>{% if one.document %}<a href="data_docs/{{ one.document }}.html">{{ one.check }}</a>
        {%- else %}{{ one.check }}{% endif %}</td>
      <td class="{{ check_tones[one.verdict] }}-text">{{ one.verdict }}</td><td class="quiet">{{ one.seen }}</td></tr>
    {% endfor %}
  </table></div>
  {% endif %}
</section>
{% endblock %}
"""
