"""The three reports, from predictions of known quality to the page that a person opens."""

from __future__ import annotations

import re
import time
from html import escape, unescape
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd  # tests load what they compare with
import pytest
from scipy import stats  # noqa: TID253  # tests load what they compare with

from ccml.errors import NotEnoughDataError
from ccml.evaluation.cost import Cost, measure
from ccml.evaluation.html import moment
from ccml.evaluation.model_page import page
from ccml.evaluation.plots import _figure, _in_percent, _trials, pictures
from ccml.evaluation.report import ModelReport, read_report, slices, stages, top_confusions, worst_misses
from ccml.evaluation.spelling import difference, interval
from ccml.models.command.report import command_report, command_scores, label_programs
from ccml.models.command.steps import STEPS
from ccml.models.intent.report import intent_report
from ccml.models.kinds import KINDS
from ccml.models.policy.report import LOGGING_POLICY, PolicyEvaluator, policy_report
from ccml.models.policy.training import train_policy
from ccml.profiles import EvaluationSettings, PolicySettings
from ccml_tests.evaluation.conftest import Published
from ccml_tests.evaluation.predictions import COST, command_rows, guesses, intent_rows
from ccml_tests.models.policy.bandit import Bandit, episodes

EVALUATION = EvaluationSettings()
INTENTS = ["find_files", "search_text", "delete", "network"]


def a_command_report(rows: int = 800, skill: float = 0.7, evaluation: EvaluationSettings = EVALUATION) -> ModelReport:
    rng = np.random.default_rng(0)
    test, labels, targets = command_rows(rng, rows, 20)
    return command_report(
        test,
        guesses(rng, targets, 20, skill),
        labels,
        {"frequency": guesses(rng, targets, 20, 0.1), "TF-IDF + linear": guesses(rng, targets, 20, 0.55)},
        target="template",
        programs=[label.split()[0] for label in labels],
        evaluation=evaluation,
        cost=COST,
        training={},
        validation=test[:0],
        facts={"data hash": "ab12cd34"},
    )


def an_intent_report(rows: int = 800) -> ModelReport:
    rng = np.random.default_rng(1)
    test, targets = intent_rows(rng, rows, INTENTS)
    return intent_report(
        test,
        guesses(rng, targets, 4, 0.9),
        INTENTS,
        {"TF-IDF + linear": guesses(rng, targets, 4, 0.8)},
        out_of_scope=np.where(targets < 0, 2.0, 0.0) + rng.normal(0, 1, rows),
        threshold=2.0,
        evaluation=EVALUATION,
        cost=COST,
        training={},
        facts={},
    )


@pytest.fixture(scope="module")
def a_policy_report() -> ModelReport:
    frame = episodes(Bandit(), 1, {"train": 150, "validation": 50, "test": 80})
    settings = PolicySettings(hidden_units=16, epochs=10, batch_size=128)
    candidate = train_policy(frame, settings, seed=0, data_hash="d", code_version="c")
    return policy_report(PolicyEvaluator.of(frame, candidate), candidate, evaluation=EVALUATION, cost=None, facts={})


def text_of(html: str) -> str:
    """Its words with single spaces, as a reader sees them."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def figure(report: ModelReport, name: str) -> Any:
    return next(metric.value for metric in report.metrics if metric.name == name)


def test_the_command_report_agrees_with_plain_loops_over_the_rows() -> None:
    rng = np.random.default_rng(2)
    test, labels, targets = command_rows(rng, 300, 20)
    probabilities = guesses(rng, targets, 20, 0.6)
    programs = [label.split()[0] for label in labels]
    report = command_report(
        test, probabilities, labels, {"frequency": guesses(rng, targets, 20, 0.1)}, target="template",
        programs=programs, evaluation=EVALUATION, cost=COST, training={}, validation=test[:0], facts={},
    )  # fmt: skip
    top1 = top5 = reciprocal = program_top1 = 0.0
    for row, wanted in zip(probabilities, test["target_template"], strict=True):
        order = [labels[k] for k in np.argsort(-row)]
        top1 += order[0] == wanted
        top5 += wanted in order[:5]
        reciprocal += 1.0 / (order.index(wanted) + 1) if wanted in order else 0.0
        mass: dict[str, float] = {}
        for program, probability in zip(programs, row, strict=True):
            mass[program] = mass.get(program, 0.0) + float(probability)
        program_top1 += max(mass, key=lambda name: mass[name]) == wanted.split()[0]
    assert report.headline_value is not None
    assert report.headline_value.estimate == pytest.approx(top1 / 300)
    assert figure(report, "top5").estimate == pytest.approx(top5 / 300)
    assert figure(report, "mrr").estimate == pytest.approx(reciprocal / 300)
    assert figure(report, "program_top1").estimate == pytest.approx(program_top1 / 300)
    assert figure(report, "known_targets").estimate == pytest.approx((targets >= 0).mean())


def test_the_best_baseline_is_named_and_the_difference_to_it_is_paired() -> None:
    report = a_command_report()
    best = report.best()
    assert best is not None
    assert best.name == report.best_baseline == "TF-IDF + linear"
    assert report.headline_value is not None
    assert best.difference.estimate == pytest.approx(report.headline_value.estimate - best.value.estimate)
    assert best.difference.low > 0.0


def test_the_report_of_a_model_worse_than_a_baseline_calls_it_worse() -> None:
    report = a_command_report(skill=0.3)
    best = report.best()
    assert best is not None
    assert best.difference.high < 0
    assert "Worse than the best simple model, TF-IDF + linear" in page(report, {}, confidence=0.95)


def test_slices_of_one_group_hold_all_rows_and_small_ones_are_left_out() -> None:
    report = a_command_report()
    assert sum(one.rows for one in report.slices if one.group == "commands before it") == 800
    assert all(one.rows >= 30 for one in report.slices)
    assert {one.name for one in report.slices if one.group == "user"} == {"never seen in training", "seen in training"}


def test_a_target_that_is_no_class_of_the_model_is_a_miss() -> None:
    rng = np.random.default_rng(3)
    test, labels, targets = command_rows(rng, 200, 20)
    probabilities = guesses(rng, targets, 20, 1.0)
    assert np.array_equal(command_scores(test, probabilities, labels, "template") == 1.0, targets >= 0)


def test_programs_of_labels_come_from_training_rows_only() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "split": ["train", "test"],
            "target_template": ["git commit", "ls -l"],
            "target_program": ["git", "ls"],
        }
    )
    assert label_programs(frame, ["git commit", "ls -l"], "template") == ["git", ""]


def test_the_intent_report_judges_out_of_scope_requests_apart_from_the_others() -> None:
    report = an_intent_report()
    assert report.headline_value is not None
    assert report.headline_value.low < 0.925 < report.headline_value.high  # 0.9 skill and a quarter of the misses
    assert 0.85 < figure(report, "oos_auroc").estimate < 0.97  # two standard deviations apart: 0.92
    assert figure(report, "oos_false_alarms").estimate < 0.06
    assert report.confusion is not None
    assert sum(sum(row) for row in report.confusion.counts) == report.facts["in scope"]
    assert {one.label for one in report.classes} == set(INTENTS)
    assert [one.rows for one in report.classes] == sorted((one.rows for one in report.classes), reverse=True)


def test_the_policy_report_names_the_logging_policy_and_every_constant_action(a_policy_report: ModelReport) -> None:
    names = {baseline.name for baseline in a_policy_report.baselines}
    assert {LOGGING_POLICY, "always execute", "always hand over", "rule on risk"} <= names
    assert len(names) == 7
    improvement = figure(a_policy_report, "improvement_dr")
    over_logging = next(one.difference for one in a_policy_report.baselines if one.name == LOGGING_POLICY)
    assert improvement == over_logging
    assert improvement.low > 0
    assert sum(share.served.estimate for share in a_policy_report.actions) == pytest.approx(1.0)
    assert figure(a_policy_report, "convergence").estimate <= 10


def test_every_report_survives_its_json_and_its_intervals_contain_their_estimates(
    published: dict[str, Published],
) -> None:
    for one in published.values():
        assert read_report(one.report.to_json()) == one.report
        for metric in one.report.metrics:
            low, high = metric.value.ends or (metric.value.estimate, metric.value.estimate)
            assert low <= metric.value.estimate <= high, metric.name


def test_a_page_asks_for_nothing_and_runs_nothing(published: dict[str, Published]) -> None:
    for one in published.values():
        assert "<script" not in one.html
        assert not re.search(r"""src\s*=\s*["'](?!data:)""", one.html)
        assert set(re.findall(r'href="([^"]*)"', one.html)) == {"index.html"}
        assert not re.search(r"url\(|@import", one.html)
        assert "default-src 'none'" in one.html


def test_a_page_holds_every_picture_once_and_the_figures_of_its_json(published: dict[str, Published]) -> None:
    for one in published.values():
        report = one.report
        assert one.html.count("data:image/png") == len(pictures(report))
        words = text_of(one.html)
        assert report.headline_value is not None
        assert interval(report.headline_value, report.headline_unit) in words
        for metric in report.metrics:
            assert interval(metric.value, metric.unit) in words
        for baseline in report.baselines:
            assert difference(baseline.difference, report.headline_unit) in words
        for row in report.classes:
            assert f"{row.label} {row.rows} {interval(row.precision)} {interval(row.recall)}" in words
        for confused in report.confusions:
            assert f"{confused.right} {confused.predicted} {confused.rows}" in words
        for example in report.examples:
            assert " ".join(f"{example.text} {example.notes} {example.predicted} {example.right}".split()) in words


def test_a_page_says_when_on_what_and_on_which_rows(published: dict[str, Published]) -> None:
    for one in published.values():
        words = text_of(one.html)
        assert f"Evaluated {moment(one.report.made)}" in words
        assert "candidate c-1" in words
        assert sum(part.rows for part in one.report.parts) == len(one.rows)
        for part in one.report.parts:
            own = one.rows[one.rows["split"] == part.name]
            assert (part.rows, part.users) == (len(own), own["user_id"].nunique())
            assert f"{part.users} {part.sessions} {moment(part.first)} {moment(part.last)}" in words
            assert moment(own["time"].min().isoformat()) == moment(part.first)


def test_the_gates_answer_on_the_page_is_the_gates(published: dict[str, Published]) -> None:
    for one in published.values():
        assert "The gate has not answered yet" in one.before_gate
        assert "The gate has not answered yet" not in one.html
        assert one.report.gate is not None
        assert f"The gate's answer on {one.report.gate.rows} rows: {one.decision.answer}" in text_of(one.html)
        assert all(reason in text_of(one.html) for reason in one.report.gate.reasons)


def test_one_difference_has_one_interval_in_the_report_and_in_the_gates_answer(published: dict[str, Published]) -> None:
    for one in published.values():
        in_report = {baseline.name: baseline.difference for baseline in one.report.baselines}
        in_answer = {found.reference: found.difference for found in one.decision.comparisons}
        assert in_answer == in_report


def test_each_step_of_a_real_training_has_its_gain_over_the_step_before(published: dict[str, Published]) -> None:
    report, words = published["command_predictor"].report, text_of(published["command_predictor"].html)
    assert [stage.name for stage in report.stages] == [step.name for step in STEPS]
    for before, after in pairwise(report.stages):
        assert before.value is not None
        assert after.value is not None
        assert after.gain is not None
        assert after.gain.estimate == pytest.approx(after.value.estimate - before.value.estimate)
        assert f"{interval(after.value)} {difference(after.gain)}" in words


def test_the_learning_curves_of_a_real_training_have_many_points(published: dict[str, Published]) -> None:
    for model in ("command_predictor", "intent_classifier"):
        loss, score = published[model].report.learning
        assert min(len(curve.x) for curve in loss.curves) >= 5
        assert sum(len(curve.x) for curve in score.curves) >= len(score.curves)
        for panel in (loss, score):
            for before, after in pairwise(panel.curves):
                assert before.x[-1] <= after.x[0]
    assert all(len(curve.x) > 5 for panel in published["policy"].report.learning for curve in panel.curves)


def test_the_search_shows_each_trial_in_its_real_state_and_which_was_chosen_and_why(
    published: dict[str, Published],
) -> None:
    report, words = published["command_predictor"].report, text_of(published["command_predictor"].html)
    (axis,) = _trials(report).axes
    drawn = {str(line.get_label()): len(line.get_xdata()) for line in axis.get_lines()}
    states = [trial.state for trial in report.trials]
    assert len(states) == 3
    assert drawn["complete"] == drawn["best so far"] == states.count("complete") > 0
    assert drawn.get("stopped early", 0) == states.count("pruned")
    assert drawn["chosen"] == 1
    (chosen,) = [trial.number for trial in report.trials if trial.chosen]
    assert f"{chosen} (chosen) complete" in words
    assert report.search_rule.startswith(f"Trial {chosen}")
    assert report.search_rule in words


def test_no_cell_of_a_table_is_empty_or_a_dash(published: dict[str, Published]) -> None:
    for one in published.values():
        cells = re.findall(r"<td[^>]*>(.*?)</td>", one.html, re.DOTALL)
        assert len(cells) > 50
        assert not [cell for cell in cells if not text_of(cell) or text_of(cell) in "–-"]


def test_the_gate_and_the_page_of_a_model_write_its_figures_in_one_unit(published: dict[str, Published]) -> None:
    for name, one in published.items():
        assert one.report.headline_unit == KINDS[name].unit
        assert one.report.gate is not None
        best = one.report.best()
        assert best is not None
        assert difference(best.difference, one.report.headline_unit) in " ".join(one.report.gate.reasons)


def test_a_label_is_broken_between_words_only(published: dict[str, Published]) -> None:
    """`overflow-wrap: anywhere` lets a column be as narrow as a letter; `break-word` does not."""
    for one in published.values():
        labels = [label for pair in one.report.confusions for label in (pair.right, pair.predicted)]
        labels += [label for example in one.report.examples for label in (example.right, example.predicted)]
        labels += [each.label for each in one.report.classes]
        for label in labels:
            assert f"<td><code>{escape(label)}</code>" in one.html, label
        assert re.search(r"\bcode \{[^}]*overflow-wrap: break-word", one.html)


def test_no_line_of_a_reason_ends_between_a_figure_and_its_unit(published: dict[str, Published]) -> None:
    for one in published.values():
        reasons = re.findall(r"<li>(.*?)</li>", one.html)
        assert reasons
        assert not [reason for reason in reasons if re.search(r"\d (%|points)", reason)]


def test_a_group_of_one_part_is_no_part_of_the_headline() -> None:
    frame = {"user_id": np.arange(400) // 4, "session_id": np.arange(400)}
    groups = {"source": np.full(400, "native"), "user": np.where(np.arange(400) < 200, "seen", "never seen")}
    scores = np.arange(400) % 2 * 1.0
    found = slices(pd.DataFrame(frame), scores, 1.0 - scores, groups, EVALUATION)
    assert {one.group for one in found} == {"user"}


@pytest.mark.parametrize(("low", "high"), [(0.78, 0.99), (0.395, 0.86), (0.0, 1.0), (0.611, 0.618), (-0.05, 0.7)])
def test_a_tick_in_per_cent_stands_where_it_says(low: float, high: float) -> None:
    """Ticks at 82.5 and 87.5 % were written as 82 and 88 %."""
    figure, axis = _figure(2.0)
    axis.set_xlim(low, high)
    _in_percent(axis.xaxis, "share")
    figure.draw_without_rendering()
    shown = [(at, text.get_text()) for at, text in zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)]
    assert sum(low <= at <= high for at, _ in shown) >= (2 if high - low > 0.02 else 0)
    for at, text in shown:
        assert float(text.removesuffix(" %").replace("−", "-")) == pytest.approx(100 * at, abs=1e-6)


def test_text_from_the_logs_cannot_become_markup() -> None:
    rng = np.random.default_rng(6)
    test, labels, targets = command_rows(rng, 300, 20)
    report = command_report(
        test.assign(request="<script>alert(1)</script>"), guesses(rng, targets, 20, 0.5), labels,
        {"frequency": guesses(rng, targets, 20, 0.1)}, target="template", programs=labels, evaluation=EVALUATION,
        cost=COST, training={}, validation=test[:0], facts={},
    )  # fmt: skip
    assert report.examples
    html = page(report, {}, confidence=0.95)
    assert "&lt;script&gt;" in html
    assert "<script" not in html


def test_confusions_are_counted_and_those_that_happened_once_are_left_out() -> None:
    found = top_confusions(list("aaabbc"), list("bbabcb"))
    assert [(one.right, one.predicted, one.rows, one.of) for one in found] == [("a", "b", 2, 3)]


def test_the_worst_misses_are_the_most_confident_wrong_answers_each_once() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.95, 0.6])
    rows = pd.DataFrame({"request": ["x", "x", "y", "z", "w"], "user_id": ["ada"] * 5})
    found = worst_misses(rows, list("aaaaa"), list("bbbac"), confidence, [""] * 5)
    assert [(one.text, one.score) for one in found] == [("x", 0.9), ("y", 0.7), ("w", 0.6)]


def test_an_example_shows_no_word_that_one_person_wrote() -> None:
    rows = pd.DataFrame({"request": ["open taxes-2025.pdf", "open it", "open it", "open it"], "user_id": list("abcd")})
    found = worst_misses(rows, list("rrrr"), list("wwww"), np.array([0.9, 0.5, 0.5, 0.5]), [""] * 4)
    assert [one.text for one in found] == ["open …", "open it"]


def test_without_test_rows_there_is_no_report() -> None:
    with pytest.raises(NotEnoughDataError, match="0 test rows"):
        a_command_report(rows=0)


def steps(*hits: Any) -> list[dict[str, Any]]:
    return [{"name": f"step {n}", "seconds": 1.0, "hits": one.astype(int).tolist()} for n, one in enumerate(hits)]


def test_the_gain_of_a_step_is_on_the_one_before_and_paired_by_row() -> None:
    base = np.random.default_rng(4).random(200)
    validation = {"user_id": np.arange(200) % 40, "session_id": np.arange(200)}
    found = stages(steps(base < 0.5, base < 0.6, base < 0.6), validation, EVALUATION)
    assert found[0].gain is None
    assert found[1].gain is not None
    assert found[1].gain.above(0.03)
    assert found[2].gain is not None
    assert found[2].gain.estimate == 0.0


@pytest.mark.parametrize("users", [12, 40])
def test_the_interval_of_a_steps_gain_covers_the_true_gain_as_often_as_stated(users: int) -> None:
    """A step helps some users and harms others: taken as independent, the rows covered the truth in two of three."""
    rng = np.random.default_rng(users)
    repeats, covered = 400, 0
    for _ in range(repeats):
        user = np.repeat(np.arange(users), rng.geometric(1 / 60, users))
        helped = np.clip(0.15 + rng.normal(0, 0.1, users), 0.0, 0.3)[user]
        draw = rng.random(len(user))
        before, after = draw < 0.45, (draw < 0.35) | ((draw > 0.45) & (draw < 0.45 + helped))
        gain = stages(steps(before, after), {"user_id": user, "session_id": user}, EVALUATION)[1].gain
        assert gain is not None
        assert gain.ends is not None
        covered += gain.ends[0] <= 0.05 <= gain.ends[1]
    assert stats.binomtest(covered, repeats, 0.95).pvalue > 0.001, covered / repeats


def test_with_too_few_sessions_a_report_shows_figures_and_says_what_is_lacking() -> None:
    rng = np.random.default_rng(6)
    test, labels, targets = command_rows(rng, 200, 20)
    test = test.assign(user_id="ada", session_id=[f"s-{n % 5}" for n in range(200)])
    report = command_report(
        test, guesses(rng, targets, 20, 0.7), labels, {"frequency": guesses(rng, targets, 20, 0.1)}, target="template",
        programs=[label.split()[0] for label in labels], evaluation=EVALUATION, cost=COST,
        training={"stages": steps(np.arange(200) % 2, np.ones(200))}, validation=test, facts={},
    )  # fmt: skip
    assert report.headline_value is not None
    assert report.headline_value.ends is None
    assert report.facts["independent units"] == "5 sessions"
    html = page(report, pictures(report), confidence=0.95)
    assert html.count("(no interval: 5 sessions, 8 needed)") > 10
    assert "Not shown to differ" in html
    assert read_report(report.to_json()) == report


def test_cost_counts_the_time_and_the_memory_of_single_predictions() -> None:
    def slow(_: int) -> object:
        block = np.ones(4_000_000)  # 32 MB
        time.sleep(0.004)
        return block

    metrics = {
        metric.name: metric.value
        for metric in measure(slow, 7, measured="a pause", repeats=20, watched=3).metrics(0.95)
    }
    assert 4.0 <= metrics["latency_p50_ms"].estimate < 80.0
    assert metrics["latency_p50_ms"].estimate <= metrics["latency_p95_ms"].estimate
    assert 15.0 < metrics["memory_mb"].estimate < 80.0
    assert Cost([1.0, 2.0, 3.0], [0.5], "a pause").metrics(0.95)[0].value.estimate == 2.0


@pytest.mark.parametrize("kind", ["command", "intent"])
def test_a_report_on_four_thousand_rows_takes_seconds(kind: str) -> None:
    started = time.process_time()
    if kind == "command":
        rng = np.random.default_rng(5)
        test, labels, targets = command_rows(rng, 4_000, 120)
        baselines = {f"baseline {n}": guesses(rng, targets, 120, 0.1 * n) for n in range(6)}
        command_report(
            test, guesses(rng, targets, 120, 0.7), labels, baselines, target="template", programs=labels,
            evaluation=EvaluationSettings(), cost=COST, training={}, validation=test[:0], facts={},
        )  # fmt: skip
    else:
        an_intent_report(rows=4_000)
    assert time.process_time() - started < 6.0
