"""The drift report as a page: the verdict first, then each column's shares over its ordered bins."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ccml import atomic
from ccml.evaluation.html import render
from ccml.monitoring.drift import DriftFinding, DriftReport


def publish_drift(report: DriftReport, folder: Path) -> Path:
    """Writes `drift.html` and the same facts as `drift.json`; returns the page's path."""
    path = folder / "drift.html"
    atomic.write_text(path, drift_page(report))
    atomic.write_bytes(path.with_suffix(".json"), msgspec.json.format(msgspec.json.encode(report), indent=1))
    return path


def drift_page(report: DriftReport) -> str:
    """Drifted columns first; within them the largest distance beyond its limit."""
    return render(
        _PAGE,
        report=report,
        verdict=verdict(report),
        findings=strongest_first(report),
        shares={one.column: _shares([(each.reference, each.current) for each in one.bins]) for one in report.findings},
    )


def strongest_first(report: DriftReport) -> list[DriftFinding]:
    """By the distance beyond its limit."""
    return sorted(report.findings, key=lambda one: one.threshold - one.distance)


def verdict(report: DriftReport) -> str:
    """One sentence. Titles hold commas, so semicolons part them."""
    drifted = [one.title for one in strongest_first(report) if one.drifted]
    if not drifted:
        return f"No drift: none of {len(report.findings)} columns lies beyond its limit."
    return f"Drift in {len(drifted)} of {len(report.findings)} columns: {'; '.join(drifted)}."


def _shares(counts: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Percent of either side's rows in each bin."""
    totals = [max(1, sum(side)) for side in zip(*counts, strict=True)]
    return [(100 * reference / totals[0], 100 * current / totals[1]) for reference, current in counts]


_PAGE = """{% extends "frame" %}
{% block title %}Drift of served traffic{% endblock %}
{% block kicker %}<a href="index.html">CCML reports</a> · monitoring{% endblock %}
{% block body %}
<p class="quiet small">Made {{ report.made.isoformat()|moment }} · report <code>{{ report.report_id }}</code></p>

<section>
  <p class="verdict {{ 'bad' if report.drifted else 'good' }}">{{ verdict }}</p>
  <div class="scroll"><table>
    <tr><th>Side</th><th class="n">Rows</th><th>From</th><th>Until</th></tr>
    <tr><td>training reference (held-out rows)</td><td class="n">{{ report.reference_rows|short }}</td>
      {% for time in (report.reference_from, report.reference_until) %}
      <td>{{ time.isoformat()|moment if time else "not recorded in this release" }}</td>
      {% endfor %}
    </tr>
    <tr><td>served traffic</td><td class="n">{{ report.current_rows|short }}</td>
      <td>{{ report.current_from.isoformat()|moment }}</td><td>{{ report.current_until.isoformat()|moment }}</td></tr>
  </table></div>
</section>

<section>
  <h2>All columns</h2>
  <p class="quiet">Distance: Jensen-Shannon, 0 for equal shares, 0.83 for none in common. The limit is what fair windows
    of the same users and sessions exceed in {{ report.false_alarm_rate|percent }} of cases, all columns
    together.</p>
  <div class="scroll"><table>
    <tr><th>Column</th><th class="n">Distance</th><th class="n">Limit</th><th>Verdict</th></tr>
    {% for one in findings %}
    <tr><td>{{ one.title }}</td><td class="n">{{ "%.3f"|format(one.distance) }}</td>
      <td class="n">{{ "%.3f"|format(one.threshold) }}</td>
      <td class="{{ 'bad-text' if one.drifted else 'good-text' }}">{{ "drift" if one.drifted else "no drift" }}</td>
    </tr>
    {% endfor %}
    {% for title in report.not_compared %}
    <tr><td>{{ title }}</td><td class="quiet" colspan="3">not compared: one side holds too few values</td></tr>
    {% endfor %}
  </table></div>
</section>

{% for one in findings %}
<section>
  <h2>{{ one.title[0]|upper }}{{ one.title[1:] }}</h2>
  <p class="quiet">{{ "Drift" if one.drifted else "No drift" }}: distance {{ "%.3f"|format(one.distance) }}, limit
    {{ "%.3f"|format(one.threshold) }}. Blue: served traffic; grey: reference.</p>
  <div class="scroll"><table>
    <tr><th>Range</th><th style="width: 46%">Share</th><th class="n">Served</th><th class="n">Reference</th></tr>
    {% for bin in one.bins %}
    {% set reference, current = shares[one.column][loop.index0] %}
    <tr><td>{{ bin.label }}</td>
      <td><span class="bar" style="width: {{ "%.1f"|format(current) }}%"></span>
        <span class="bar other" style="width: {{ "%.1f"|format(reference) }}%"></span></td>
      <td class="n">{{ (current / 100)|percent }} ({{ bin.current|short }})</td>
      <td class="n">{{ (reference / 100)|percent }} ({{ bin.reference|short }})</td></tr>
    {% endfor %}
  </table></div>
  {% if one.examples %}
  <h3>Not seen in training</h3>
  <p class="quiet small">As they stand in the log after secrets were taken out; for the operator of the logs.</p>
  <div class="scroll"><table>
    <tr><th>Text</th><th class="n">Answers</th></tr>
    {% for example in one.examples %}
    <tr><td class="text"><code>{{ example.text }}</code></td><td class="n">{{ example.count|short }}</td></tr>
    {% endfor %}
  </table></div>
  {% endif %}
</section>
{% endfor %}
{% endblock %}
"""
