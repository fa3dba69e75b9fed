"""One page per model that can be mailed or opened from a disk: styles and pictures inside, no script, no request."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from ccml.evaluation.report import ModelReport
from ccml.evaluation.statistics import Interval

CAPTIONS = {
    "baselines": "The model and the simple models it must beat, best first, with {confidence} intervals; right, the "
    "paired difference on the same rows. Green lies wholly above zero.",
    "slices": "The headline figure in parts of the test set of at least 30 rows.",
    "actions": "How often each action is taken.",
    "reliability": "Where a dot lies on the dashed line, confidence means what it says.",
    "confusion": "Rows are the true intents; a perfect classifier is dark on the diagonal only.",
    "roc": "One curve per intent against the rest, and out-of-scope requests against all in scope.",
    "stages": "What the model could do after each step of its training.",
    "learning": "Validation figures while training.",
    "trials": "The hyper-parameter search.",
}

HEADINGS = {
    "baselines": "Beside simple models",
    "slices": "In parts",
    "actions": "Actions",
    "reliability": "Reliability of the confidence",
    "confusion": "Confusion of intents",
    "roc": "ROC",
    "stages": "Training, step by step",
    "learning": "Learning curves",
    "trials": "Search",
}


def page(report: ModelReport, pictures: Mapping[str, bytes], *, confidence: float) -> str:
    """The whole page.

    Args:
        pictures: PNG bytes by name, from `ccml.evaluation.plots.pictures`.
        confidence: coverage that the report's intervals were made with.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["interval"] = interval
    environment.filters["difference"] = difference
    environment.filters["base64"] = lambda png: base64.b64encode(png).decode("ascii")
    level = f"{100 * confidence:g} %"
    return environment.from_string(_PAGE).render(
        report=report,
        pictures=pictures,
        level=level,
        headings=HEADINGS,
        captions={name: text.format(confidence=level) for name, text in CAPTIONS.items()},
        verdict=_verdict(report),
    )


def interval(value: Interval, unit: str = "share") -> str:
    """'71.3 % [69.0, 73.4]' for shares, three significant figures and the unit otherwise."""
    if unit == "share":
        return value.text(lambda share: f"{100 * share:.1f}", "%")
    if unit in ("reward", "score"):
        return value.text("{:.3f}".format)
    return value.text(_three, unit)


def difference(value: Interval, unit: str = "share") -> str:
    """Signed; shares in percentage points."""
    if unit == "share":
        return value.text(lambda share: f"{100 * share:+.1f}", "points")
    return value.text("{:+.3f}".format)


def _three(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _verdict(report: ModelReport) -> tuple[str, str]:
    """(tone, sentence) on the best baseline."""
    best = report.best()
    if best is None:
        return "even", ""
    gap = difference(best.difference, report.headline_unit)
    if best.difference.above(0.0):
        return "good", f"Better than the best simple model, {best.name}, by {gap}."
    if best.difference.below(0.0):
        return "bad", f"Worse than the best simple model, {best.name}: {gap}."
    return "even", f"Not shown to differ from the best simple model, {best.name}: {gap}."


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ report.title }} · CCML report</title>
<style>
  :root { --ink: #1d2733; --quiet: #616e7c; --line: #e4e7eb; --model: #1f6f8b; --good: #2f855a; --bad: #c05621; }
  * { box-sizing: border-box; }
  body { margin: 0; background: #f5f7f9; color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
  main { max-width: 860px; margin: 0 auto; padding: 40px 24px 80px; }
  h1 { margin: 0; font-size: 28px; letter-spacing: -.01em; }
  h2 { margin: 0 0 4px; font-size: 18px; }
  p { margin: 0; }
  .quiet { color: var(--quiet); }
  section { margin-top: 20px; padding: 20px 24px; background: #fff; border: 1px solid var(--line); }
  section { border-radius: 10px; }
  section > p.quiet { margin-bottom: 12px; font-size: 13.5px; }
  .headline { display: flex; flex-wrap: wrap; gap: 4px 28px; align-items: baseline; margin: 14px 0 8px; }
  .figure { font-size: 44px; font-weight: 650; color: var(--model); letter-spacing: -.02em; line-height: 1.1; }
  .verdict { padding: 8px 12px; border-left: 4px solid var(--quiet); background: #f5f7f9; border-radius: 0 6px 6px 0; }
  .verdict.good { border-color: var(--good); } .verdict.bad { border-color: var(--bad); }
  table { width: 100%; border-collapse: collapse; font-size: 13.5px; }
  th { text-align: left; font-weight: 600; color: var(--quiet); }
  th, td { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
  tr:last-child td { border-bottom: 0; }
  td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
  td.n:last-child, th.n:last-child { padding-right: 0; }
  .scroll { overflow-x: auto; }
  img { display: block; width: 100%; height: auto; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 8px 0 0; font-size: 13.5px; }
  dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
  .good-text { color: var(--good); } .bad-text { color: var(--bad); }
  @media print { body { background: #fff; } section { break-inside: avoid; } }
</style>
</head>
<body>
<main>
<p class="quiet">CCML · model report</p>
<h1>{{ report.title }}</h1>
{% if report.skipped_reason is not none %}
<section>
  <h2>Not trained</h2>
  <p>{{ report.skipped_reason }}</p>
</section>
{% else %}
<section>
  <p class="quiet">{{ report.question }}</p>
  {% if report.headline_value is not none %}
  <div class="headline">
    <span class="figure">
      {%- if report.headline_unit == "share" -%}
      {{ "%.1f"|format(100 * report.headline_value.estimate) }} %
      {%- else -%}
      {{ "%.3f"|format(report.headline_value.estimate) }}
      {%- endif -%}
    </span>
    <span>{{ report.headline }}<br>
      <span class="quiet">{{ report.headline_value|interval(report.headline_unit) }} at {{ level }}</span></span>
  </div>
  {% endif %}
  {% if verdict[1] %}<p class="verdict {{ verdict[0] }}">{{ verdict[1] }}</p>{% endif %}
</section>

{% macro picture(name) %}
{% if name in pictures %}
  <img alt="{{ headings[name] }}" src="data:image/png;base64,{{ pictures[name]|base64 }}">
{% endif %}
{% endmacro %}

{% if report.baselines %}
<section>
  <h2>{{ headings.baselines }}</h2>
  <p class="quiet">{{ captions.baselines }}</p>
  {{ picture("baselines") }}
  <div class="scroll"><table>
    <tr><th>Model</th><th class="n">{{ report.headline|capitalize }}</th><th class="n">Model − baseline</th></tr>
    {% for one in report.baselines %}
    <tr><td>{{ one.name }}</td><td class="n">{{ one.value|interval(report.headline_unit) }}</td>
      <td class="n {{ 'good-text' if one.difference.above(0) else 'bad-text' if one.difference.below(0) else '' }}">
      {{- one.difference|difference(report.headline_unit) }}</td></tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}

<section>
  <h2>All figures</h2>
  <p class="quiet">On the test rows, which no training and no choice has seen. Brackets: {{ level }} interval.</p>
  <div class="scroll"><table>
    <tr><th>Figure</th><th class="n">Value</th><th>What it says</th></tr>
    {% for metric in report.metrics %}
    <tr><td>{{ metric.title }}
        {{- {true: "\u00a0↑", false: "\u00a0↓"}.get(metric.higher_is_better, "") }}</td>
      <td class="n">{{ metric.value|interval(metric.unit) }}</td><td class="quiet">{{ metric.meaning }}</td></tr>
    {% endfor %}
  </table></div>
</section>

{% for name in pictures if name != "baselines" %}
<section>
  <h2>{{ headings[name] }}</h2>
  <p class="quiet">{{ captions[name] }}</p>
  {{ picture(name) }}
  {% if name == "slices" %}
  <div class="scroll"><table>
    <tr><th>Slice</th><th class="n">Rows</th><th class="n">{{ report.headline|capitalize }}</th>
      <th class="n">Over {{ report.best_baseline }}</th></tr>
    {% for one in report.slices %}
    <tr><td><span class="quiet">{{ one.group }}:</span> {{ one.name }}</td><td class="n">{{ one.rows }}</td>
      <td class="n">{{ one.value|interval(report.headline_unit) }}</td>
      <td class="n {{ 'good-text' if one.difference.above(0) else 'bad-text' if one.difference.below(0) else '' }}">
      {{- one.difference|difference(report.headline_unit) }}</td></tr>
    {% endfor %}
  </table></div>
  {% elif name == "stages" %}
  <div class="scroll"><table>
    <tr><th>Step</th><th class="n">Validation top-1</th><th class="n">Gain</th><th class="n">Seconds</th></tr>
    {% for stage in report.stages %}
    <tr><td>{{ stage.name }}</td>
      {% if stage.skipped is not none %}
      <td class="quiet" colspan="2">left out: {{ stage.skipped }}</td>
      {% else %}
      <td class="n">{{ stage.value|interval if stage.value is not none else "–" }}</td>
      <td class="n">{{ stage.gain|difference if stage.gain is not none else "–" }}</td>
      {% endif %}
      <td class="n">{{ "%.1f"|format(stage.seconds) }}</td></tr>
    {% endfor %}
  </table></div>
  {% elif name == "trials" %}
  <div class="scroll"><table>
    <tr><th>Trial</th><th>State</th><th class="n">Value</th><th>Parameters</th></tr>
    {% for trial in report.trials %}
    <tr><td>{{ trial.number }}</td><td>{{ trial.state }}</td>
      <td class="n">{{ "%.3f"|format(trial.value) if trial.value is not none else "–" }}</td>
      <td class="quiet">
      {%- for key, value in trial.parameters.items() %}{{ ", " if not loop.first }}{{ key }} {{ value }}{% endfor -%}
      </td></tr>
    {% endfor %}
  </table></div>
  {% endif %}
</section>
{% endfor %}

{% if report.classes %}
<section>
  <h2>Each intent</h2>
  <div class="scroll"><table>
    <tr><th>Intent</th><th class="n">Rows</th><th class="n">Precision</th><th class="n">Recall</th>
      <th class="n">F1</th></tr>
    {% for one in report.classes %}
    <tr><td>{{ one.label }}</td><td class="n">{{ one.rows }}</td><td class="n">{{ one.precision|interval }}</td>
      <td class="n">{{ one.recall|interval }}</td><td class="n">{{ one.f1|interval }}</td></tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}
{% endif %}

{% if report.facts %}
<section>
  <h2>Made from</h2>
  <dl>{% for key, value in report.facts.items() %}<dt>{{ key }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>
</section>
{% endif %}
</main>
</body>
</html>
"""
