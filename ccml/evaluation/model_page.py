"""One page per model, in the order in which a reader asks: what came of it, on which data, how good, where it errs."""

from __future__ import annotations

from collections.abc import Mapping

from ccml.evaluation.html import render, tone
from ccml.evaluation.report import MOST_EXAMPLES, SMALLEST_SLICE, ModelReport
from ccml.evaluation.spelling import difference

GATE_TONES = {"better": "good", "not better": "bad", "not enough data": "even"}


def page(report: ModelReport, pictures: Mapping[str, bytes], *, confidence: float) -> str:
    """The whole page; it can be mailed or opened from a disk.

    Args:
        pictures: PNG bytes by name, from `ccml.evaluation.plots.pictures`.
        confidence: coverage that the report's intervals were made with.
    """
    return render(
        _PAGE,
        report=report,
        pictures=pictures,
        level=f"{100 * confidence:g} %",
        best=report.best(),
        comparison=comparison(report),
        gate_tones=GATE_TONES,
        smallest_slice=SMALLEST_SLICE,
        most_examples=MOST_EXAMPLES,
    )


def comparison(report: ModelReport) -> str:
    """The model beside its best baseline, in one sentence."""
    best = report.best()
    if best is None:
        return ""
    gap = difference(best.difference, report.headline_unit)
    return {
        "good": f"Better than the best simple model, {best.name}, by {gap}.",
        "bad": f"Worse than the best simple model, {best.name}: {gap}.",
        "even": f"Not shown to differ from the best simple model, {best.name}: {gap}.",
    }[tone(best.difference)]


_PAGE = """{% extends "frame" %}
{% macro picture(name, alt) %}
{% if name in pictures %}<img alt="{{ alt }}" src="data:image/png;base64,{{ pictures[name]|base64 }}">{% endif %}
{% endmacro %}
{% block title %}{{ report.title }}{% endblock %}
{% block kicker %}<a href="index.html">CCML reports</a> · model report{% endblock %}
{% block body %}
<p class="quiet small">Evaluated {{ report.made|moment if report.made else "at an unknown time" }}
  · candidate <code>{{ report.candidate }}</code>
  · {% if report.gate and report.gate.version %}released as version {{ report.gate.version }}
  {% else %}not released{% endif %}</p>

<section>
  <p class="quiet">{{ report.question }}</p>
  {% if report.headline_value is not none %}
  <div class="headline">
    <span class="value">{{ report.headline_value.estimate|figure(report.headline_unit) }}</span>
    <span>{{ report.headline }}<br>
      <span class="quiet">{{ report.headline_value|interval(report.headline_unit) }}, {{ level }} interval</span></span>
  </div>
  {% endif %}
  {% if report.gate is none %}
  <p class="verdict">The gate has not answered yet: this candidate may not be released before it has.</p>
  {% else %}
  <div class="verdict {{ gate_tones[report.gate.answer] }}">The gate's answer on {{ report.gate.rows|short }} rows:
    <b>{{ report.gate.answer }}</b>.
    {% if report.gate.reasons %}
    <ul>{% for reason in report.gate.reasons %}<li>{{ reason|unbroken }}</li>{% endfor %}</ul>
    {% endif %}
  </div>
  {% endif %}
  {% if best is not none and report.gate is none %}
  <p class="verdict {{ best.difference|tone }}">{{ comparison|unbroken }}</p>
  {% endif %}
</section>

{% if report.parts %}
<section>
  <h2>Data</h2>
  <p class="quiet">Split by time and user before anything was learnt. The test rows are seen by no training and no
    choice of settings; every figure below is theirs unless it says validation.</p>
  <div class="scroll"><table>
    <tr><th>Part</th><th class="n">Rows</th><th class="n">Users</th><th class="n">Sessions</th><th>From</th>
      <th>Until</th></tr>
    {% for part in report.parts %}
    <tr><td>{{ part.name }}</td><td class="n">{{ part.rows|short }}
      {%- if part.rewritten %} ({{ part.rewritten|short }} of them rewrites){% endif %}</td>
      <td class="n">{{ part.users|short }}</td><td class="n">{{ part.sessions|short }}</td>
      <td>{{ part.first|moment }}</td><td>{{ part.last|moment }}</td></tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}

{% if report.labels is not none %}
<section>
  <h2>Labels</h2>
  <p>
    {%- if report.labels.doubted is not none %}{{ report.labels.doubted|interval }} of
    {{ report.labels.assessed|short }} labels are probably wrong.
    {%- else %}Which labels are wrong cannot be told yet: a simple model gives only
    {{ report.labels.agreement|percent(0) }} of them too, so its doubts would say nothing.{% endif %}
    {{ report.labels.contradicted|interval }} of {{ report.labels.rows|short }} rows have a text that has another label
    elsewhere ({{ report.labels.contradicted_texts|short }} texts).</p>
  <p class="quiet">Of all parts of the data, without rewrites. Probably wrong: a simple model that was fitted on rows of
    other people finds the label improbable, and another one probable (cleanlab). A vague request may be right as it
    is. Words that fewer than three users wrote are left out (…).</p>
  {% if report.labels.doubted is not none %}
  <div class="scroll"><table>
    <tr><th>Labels from</th><th class="n">Rows</th><th class="n">Probably wrong</th></tr>
    {% for one in report.labels.sources %}
    <tr><td>{{ one.source }}</td><td class="n">{{ one.rows|short }}</td><td class="n">{{ one.doubted|short }}</td></tr>
    {% endfor %}
  </table></div>
  {% endif %}
  {% if report.labels.worst %}
  <div class="scroll"><table>
    <tr><th>Request</th><th>Its label</th><th>More probable</th><th class="n">Probability of its label</th></tr>
    {% for one in report.labels.worst %}
    <tr><td class="text">{{ one.text or "(no words)" }}<br><span class="quiet">from {{ one.source }}</span></td>
      <td><code>{{ one.given }}</code></td><td><code>{{ one.suggested }}</code></td>
      <td class="n">{{ one.probability|figure("share") }}</td></tr>
    {% endfor %}
  </table></div>
  {% endif %}
  {% if report.labels.contradictions %}
  <div class="scroll"><table>
    <tr><th>Request</th><th>Its labels and their rows</th></tr>
    {% for one in report.labels.contradictions %}
    <tr><td class="text">{{ one.text or "(no words)" }}</td>
      <td>{% for label, rows in one.labels.items() %}<code>{{ label }}</code> {{ rows|short }}
        {{- ", " if not loop.last }}{% endfor %}</td></tr>
    {% endfor %}
  </table></div>
  {% endif %}
</section>
{% endif %}

{% if report.baselines %}
<section>
  <h2>Beside simple models</h2>
  <p class="quiet">The model and the simple models it must beat, best first, with {{ level }} intervals; on the right
    the paired difference on the same rows: green lies wholly above zero, red wholly below.</p>
  {{ picture("baselines", "The model beside simple models") }}
  <div class="scroll"><table>
    <tr><th>Simple model</th><th class="n">{{ report.headline|capitalize }}</th>
      <th class="n">Model − simple model</th></tr>
    {% for one in report.baselines %}
    <tr><td>{{ one.name }}</td><td class="n">{{ one.value|interval(report.headline_unit) }}</td>
      <td class="n {{ one.difference|tone }}-text">{{ one.difference|difference(report.headline_unit) }}</td></tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}

<section>
  <h2>All figures</h2>
  <p class="quiet">On the test rows. Brackets: {{ level }} interval. ↑ higher is better, ↓ lower is better.</p>
  <div class="scroll"><table>
    <tr><th>Figure</th><th class="n">Value</th><th>What it says</th></tr>
    {% for metric in report.metrics %}
    <tr><td>{{ metric.title }}
        {{- {true: "\\u00a0↑", false: "\\u00a0↓"}.get(metric.higher_is_better, "") }}</td>
      <td class="n">{{ metric.value|interval(metric.unit) }}</td><td class="quiet">{{ metric.meaning }}</td></tr>
    {% endfor %}
  </table></div>
</section>

{% if report.confusions %}
<section>
  <h2>Top confusions</h2>
  <p class="quiet">The pairs that were most often taken for each other, of test rows that went wrong at least twice in
    the same way.</p>
  <div class="scroll"><table>
    <tr><th>Right answer</th><th>Predicted</th><th class="n">Rows</th>
      <th class="n">Share of this right answer</th></tr>
    {% for one in report.confusions %}
    <tr><td><code>{{ one.right }}</code></td><td><code>{{ one.predicted }}</code></td>
      <td class="n">{{ one.rows|short }}</td>
      <td class="n">{{ (one.rows / one.of)|percent(0) }} of {{ one.of|short }}</td></tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}

{% if report.examples %}
<section>
  {% if report.examples_score == "reward" %}
  <h2>Turns that went worst</h2>
  <p class="quiet">Test turns in which the log did what this policy prefers and the least was earned; at most
    {{ most_examples }}. Episodes hold no text: the interaction's id leads to it in the table clean/interactions.</p>
  {% else %}
  <h2>Worst misses</h2>
  <p class="quiet">The most confident wrong answers, at most {{ most_examples }}. The texts are those of the log,
    without secrets and without the words (…) that fewer than three users wrote: names of their files and hosts.</p>
  {% endif %}
  <div class="scroll"><table>
    <tr>{% if report.examples_score == "reward" %}<th>Interaction</th><th>This policy prefers</th>
      <th>The reward model expects most of</th>
      {% else %}<th>Request</th><th>Predicted</th><th>Right answer</th>{% endif %}
      <th class="n">{{ report.examples_score|capitalize }}</th></tr>
    {% for one in report.examples %}
    <tr><td class="text">{{ one.text or "(no words)" }}<br><span class="quiet">{{ one.notes }}</span></td>
      <td><code>{{ one.predicted }}</code></td><td><code>{{ one.right }}</code></td>
      <td class="n">{{ one.score|figure("reward" if report.examples_score == "reward" else "share") }}</td></tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}

{% if report.classes %}
<section>
  <h2>Class by class</h2>
  <p class="quiet">The classes that test rows ask for, most frequent first
    {%- if report.confusion is none %}, at most 20{% endif %}. Support is the number of test rows. Precision: of the
    rows so predicted, the share that is right; recall: of the rows that are so, the share so predicted.</p>
  <div class="scroll"><table>
    <tr><th>Class</th><th class="n">Support</th><th class="n">Precision</th><th class="n">Recall</th>
      <th class="n">F1</th></tr>
    {% for one in report.classes %}
    <tr><td><code>{{ one.label }}</code></td><td class="n">{{ one.rows|short }}</td>
      <td class="n">{{ one.precision|interval }}</td><td class="n">{{ one.recall|interval }}</td>
      <td class="n">{{ one.f1|interval }}</td></tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}

{% if report.slices %}
<section>
  <h2>In parts</h2>
  <p class="quiet">The headline figure in parts of the test rows that have at least {{ smallest_slice }} rows. The band
    is the whole test set.</p>
  {{ picture("slices", "The headline figure in parts") }}
  <div class="scroll"><table>
    <tr><th>Slice</th><th class="n">Rows</th><th class="n">{{ report.headline|capitalize }}</th>
      <th class="n">Over the best simple model</th></tr>
    {% for one in report.slices %}
    <tr><td><span class="quiet">{{ one.group }}:</span> {{ one.name }}</td><td class="n">{{ one.rows|short }}</td>
      <td class="n">{{ one.value|interval(report.headline_unit) }}</td>
      <td class="n {{ one.difference|tone }}-text">{{ one.difference|difference(report.headline_unit) }}</td></tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}

{% if report.actions %}
<section>
  <h2>Actions</h2>
  <p class="quiet">How often each action is taken in the test turns: by this policy, and in the log.</p>
  {{ picture("actions", "How often each action is taken") }}
</section>
{% endif %}

{% if report.reliability %}
<section>
  <h2>Reliability of the confidence</h2>
  <p class="quiet">Where a dot lies on the dashed line, confidence means what it says: of the answers given with 70 %
    confidence 70 % are right. Grey bars: rows of each bin.</p>
  {{ picture("reliability", "Accuracy by confidence") }}
</section>
{% endif %}

{% if report.confusion is not none %}
<section>
  <h2>Confusion matrix</h2>
  <p class="quiet">Rows are the right answers; a perfect classifier is dark on the diagonal only. Cells in % of their
    row.</p>
  {{ picture("confusion", "Right answers against predictions") }}
</section>
{% endif %}

{% if report.roc %}
<section>
  <h2>ROC</h2>
  <p class="quiet">One grey curve per class against the rest, their mean, and out-of-scope requests against all in
    scope.</p>
  {{ picture("roc", "True against false positive rate") }}
</section>
{% endif %}

{% if report.stages %}
<section>
  <h2>Training, step by step</h2>
  <p class="quiet">What the model could do on the validation rows after each step. Gain: the paired difference to the
    step before that ran, on the same rows.</p>
  {{ picture("stages", "Validation accuracy after each step") }}
  <div class="scroll"><table>
    <tr><th>Step</th><th class="n">Validation top-1</th><th class="n">Gain</th><th class="n">Seconds</th></tr>
    {% for stage in report.stages %}
    <tr><td>{{ stage.name }}</td>
      {% if stage.skipped is not none %}
      <td class="quiet" colspan="3">left out: {{ stage.skipped }}</td>
      {% else %}
      <td class="n">{{ stage.value|interval }}</td>
      <td class="n {{ stage.gain|tone if stage.gain is not none else 'even' }}-text">
        {{- stage.gain|difference if stage.gain is not none else "the first step" }}</td>
      <td class="n">{{ "%.1f"|format(stage.seconds) }}</td>
      {% endif %}</tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}

{% if report.learning %}
<section>
  <h2>Learning curves</h2>
  <p class="quiet">
    {%- if report.stages or report.confusion is not none %}Above, the training loss, averaged over equally many steps
    for each point; below, the validation score after each epoch. A step of the training that adds layers begins with
    these untrained.
    {%- else %}On the validation episodes, after each epoch of each restart. The first epochs imitate the log.
    {%- endif %}</p>
  {{ picture("learning", "Figures while training") }}
</section>
{% endif %}

{% if report.trials %}
<section>
  <h2>Search</h2>
  <p class="quiet">Hyper-parameters tried, by their validation score (mean reciprocal rank).
    {{ report.search_rule }}</p>
  {{ picture("trials", "Validation score of each trial") }}
  <div class="scroll"><table>
    <tr><th>Trial</th><th>State</th><th class="n">Score</th><th>Parameters</th></tr>
    {% for trial in report.trials %}
    <tr><td>{{ trial.number }}{% if trial.chosen %} <b>(chosen)</b>{% endif %}</td>
      <td>{{ {"complete": "complete", "pruned": "stopped early"}[trial.state] }}</td>
      <td class="n">{{ "%.3f"|format(trial.value) if trial.value is not none else "none: stopped before one" }}</td>
      <td class="quiet">
      {%- for key, value in trial.parameters.items() -%}
      {{ ", " if not loop.first }}{{ key|replace("_", " ") }} {{ value|short }}
      {%- endfor -%}
      </td></tr>
    {% endfor %}
  </table></div>
</section>
{% endif %}

<section>
  <h2>Made from</h2>
  <dl>{% for key, value in report.facts.items() %}<dt>{{ key }}</dt><dd>{{ value|short }}</dd>{% endfor %}</dl>
</section>
{% endblock %}
"""
