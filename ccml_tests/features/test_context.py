"""A turn's numbers: the same from a table and from a request, and right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from math import log1p

import numpy as np
import pytest

from ccml.errors import IntegrityError
from ccml.features.context import CONTEXT_FIELDS, ContextTransform, TurnContext, context_row, failures_in_a_row
from ccml.features.standardise import CLIP
from ccml.models.policy.features import POLICY_FIELDS, PolicyTransform, policy_matrix, policy_row

MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def features(**fields) -> dict[str, float]:
    return dict(zip(CONTEXT_FIELDS, context_row(TurnContext(**{"time": MONDAY, **fields})).tolist(), strict=True))


def test_six_in_the_morning_is_a_quarter_of_the_circle():
    row = features()
    assert row["hour_sin"] == pytest.approx(1.0)
    assert row["hour_cos"] == pytest.approx(0.0, abs=1e-6)
    assert row["weekend"] == 0.0


def test_saturday_is_weekend_and_monday_midnight_begins_the_week():
    assert features(time=MONDAY + timedelta(days=5))["weekend"] == 1.0
    row = features(time=MONDAY.replace(hour=0))
    assert (row["weekday_sin"], row["weekday_cos"]) == (pytest.approx(0.0), pytest.approx(1.0))


def test_a_time_zone_moves_the_clock_and_not_the_moment():
    assert features(time=MONDAY.astimezone(timezone(timedelta(hours=5)))) == pytest.approx(features(), nan_ok=True)


def test_what_is_not_known_is_nan_and_not_zero():
    row = features()
    unknown = {name for name, value in row.items() if np.isnan(value)}
    assert unknown == {
        *("seconds_since_previous_log", "previous_succeeded", "session_success_rate", "user_interactions_log"),
        *("user_success_rate", "user_mean_rating", "cpu_percent", "memory_percent", "disk_percent", "load_1m"),
        *("processes_log", "directory_depth"),
    }


def test_rates_are_of_what_was_done_before():
    row = features(session_position=4, session_successes=3, user_interactions=10, user_successes=9)
    assert row["session_success_rate"] == pytest.approx(0.75)
    assert row["user_success_rate"] == pytest.approx(0.9)
    assert row["user_interactions_log"] == pytest.approx(log1p(10))


def test_a_new_user_is_known_to_be_new():
    row = features(user_interactions=0, user_successes=0)
    assert row["user_interactions_log"] == 0.0
    assert np.isnan(row["user_success_rate"])


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("/home/<user>/api-py/logs", {"python", "log"}),
        ("/home/<user>", {"home"}),
        ("~", {"home"}),
        ("C:\\Users\\<user>\\web", {"node"}),
        ("/etc/nginx", {"etc"}),
        ("/home/<user>/happy", set()),
    ],
)
def test_the_words_of_a_path_say_what_lies_there(path, kinds):
    row = features(directory=path)
    assert {name.removeprefix("directory_") for name, value in row.items() if value == 1.0 and "directory_" in name} - {
        "depth"
    } == kinds


@pytest.mark.parametrize(("name", "field"), [("Linux", "linux"), ("darwin", "macos"), ("win32", "windows")])
def test_platforms_go_by_several_names(name, field):
    assert features(platform=name)[f"platform_{field}"] == 1.0
    assert sum(value for key, value in features(platform=name).items() if key.startswith("platform_")) == 1.0


def test_failures_are_counted_back_to_a_success_or_an_unknown_outcome():
    assert failures_in_a_row([False, True, False, False]) == 2
    assert failures_in_a_row([False, None, False]) == 1
    assert failures_in_a_row([]) == 0
    assert failures_in_a_row([False] * 50) == 8


def test_the_transform_standardises_what_is_known_and_flags_what_is_not():
    matrix = np.tile(np.float32([[1.0], [3.0], [np.nan]]), (1, len(CONTEXT_FIELDS)))
    out = ContextTransform.fit(matrix).apply(matrix)
    width = len(CONTEXT_FIELDS)
    assert out.shape == (3, 2 * width)
    np.testing.assert_allclose(out[:, 0], [-1.0, 1.0, 0.0], atol=1e-6)
    np.testing.assert_array_equal(out[:, width], [0.0, 0.0, 1.0])


def test_an_extreme_value_is_clipped_and_a_constant_or_unknown_field_is_harmless():
    matrix = np.full((4, len(CONTEXT_FIELDS)), 2.0, np.float32)
    matrix[:, 1] = np.nan
    matrix[:, 2] = [0.0, 1.0, 0.0, 1.0]
    transform = ContextTransform.fit(matrix)
    served = np.full((1, len(CONTEXT_FIELDS)), 1e9, np.float32)
    out = transform.apply(served)
    assert np.isfinite(out).all()
    assert out[0, 2] == CLIP
    assert np.count_nonzero(out) == 1  # the constant fields and the one never known stay zero


def test_what_training_never_saw_on_or_off_is_zero_whatever_is_served():
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(50, len(CONTEXT_FIELDS))).astype(np.float32)
    flag, never_known, sometimes_known = 3, 5, 7
    matrix[:, flag] = 0.0
    matrix[:, never_known] = np.nan
    matrix[:25, sometimes_known] = np.nan
    transform = ContextTransform.fit(matrix)
    plain, odd = matrix[40:41].copy(), matrix[40:41].copy()
    odd[0, flag], odd[0, never_known] = 1.0, 2.0
    np.testing.assert_array_equal(transform.apply(odd), transform.apply(plain))
    assert transform.apply(np.full_like(plain, np.nan))[0].nonzero()[0].tolist() == [
        len(CONTEXT_FIELDS) + sometimes_known
    ]


def test_a_transform_comes_back_from_json_as_it_was_and_refuses_other_fields():
    transform = ContextTransform.fit(np.random.default_rng(0).normal(size=(9, len(CONTEXT_FIELDS))).astype(np.float32))
    again = ContextTransform.from_json(transform.to_json())
    np.testing.assert_array_equal(again.mean, transform.mean)
    np.testing.assert_array_equal(again.spread, transform.spread)
    np.testing.assert_array_equal(again.indicated, transform.indicated)
    stored = transform.to_json() | {"fields": [*CONTEXT_FIELDS[:-1], "shoe_size"]}
    with pytest.raises(IntegrityError, match="shoe_size"):
        ContextTransform.from_json(stored)


def test_a_transform_of_another_width_is_refused_at_once():
    with pytest.raises(ValueError, match="columns"):
        PolicyTransform.fit(np.zeros((3, 2), np.float32))


def proposal(**fields) -> dict[str, float]:
    given = {"confidence": 0.5, "risk": "safe", "request": "list files", "command": "ls"} | fields
    return dict(zip(POLICY_FIELDS, policy_row(TurnContext(time=MONDAY), **given).tolist(), strict=True))


def test_the_policy_sees_confidence_risk_and_the_shape_of_request_and_command():
    row = proposal(confidence=None, risk="danger", request="can you do that again?", command="ls | head; rm x")
    assert np.isnan(row["confidence"])
    assert row["risk_danger"] == 1.0
    assert row["risk_safe"] == 0.0
    assert row["request_is_question"] == row["request_points_back"] == 1.0
    assert row["command_parts_log"] == pytest.approx(log1p(2))
    plain = proposal()
    assert plain["request_is_question"] == plain["request_points_back"] == plain["command_missing"] == 0.0


def test_no_proposal_has_no_risk_whatever_the_caller_calls_it():
    for level in ("", "safe", "ask"):
        row = proposal(command="", risk=level)
        assert row["command_missing"] == 1.0
        assert sum(row[f"risk_{name}"] for name in ("safe", "ask", "danger", "refused")) == 0.0


def test_a_row_and_a_matrix_of_proposals_agree():
    turns = [TurnContext(time=MONDAY, session_position=n) for n in range(3)]
    rows = np.stack([policy_row(turn, 0.1, "ask", "do it", "make") for turn in turns])
    matrix = policy_matrix(
        np.stack([context_row(t) for t in turns]), [0.1] * 3, ["ask"] * 3, ["do it"] * 3, ["make"] * 3
    )
    np.testing.assert_array_equal(rows, matrix)
