"""Fitting p_true and the threshold, and the coefficient file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from reticle_grounding.calibration import DATA_FILE, Calibration, Unit, load_calibration
from reticle_grounding.calibration_fit import Sample, fit, with_threshold
from reticle_grounding.errors import ReticleError
from reticle_grounding.features import FEATURES


def samples(seed: int, count: int = 400, absent_every: int = 5) -> list[Sample]:
    """Candidates whose truth follows a known logistic law, and instructions whose target is absent."""
    rng = np.random.default_rng(seed)
    made: list[Sample] = []
    for i in range(count):
        absent = i % absent_every == absent_every - 1
        values = rng.normal(size=(4, 2)) - (2.0 if absent else 0.0)
        chance = 1 / (1 + np.exp(-(2.0 * values[:, 0] - 1.0 * values[:, 1])))
        right = [bool(r) and not absent for r in rng.random(4) < chance]
        rows = [{"good": float(a), "bad": float(b), "idle": float(rng.normal())} for a, b in values]
        made.append({"rows": rows, "right": right, "absent": absent})
    return made


def test_weights_of_a_known_law_are_recovered() -> None:
    fitted = fit(samples(1, 2000, 10_000), ["good", "bad", "idle"])
    assert fitted.weights["good"] == pytest.approx(2.0, rel=0.15)
    assert fitted.weights["bad"] == pytest.approx(-1.0, rel=0.2)
    assert abs(fitted.weights["idle"]) < 0.12


def test_probabilities_are_calibrated_on_unseen_screens() -> None:
    fitted = fit(samples(1, 2000, 10_000), ["good", "bad", "idle"])
    pairs = [
        (fitted.p_true(row), r) for s in samples(2, 400, 10_000) for row, r in zip(s["rows"], s["right"], strict=True)
    ]
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = [(p, r) for p, r in pairs if low <= p < low + 0.25]
        assert np.mean([r for _, r in inside]) == pytest.approx(np.mean([p for p, _ in inside]), abs=0.1)


def test_the_threshold_keeps_the_right_and_rejects_the_absent() -> None:
    fitted = fit(samples(3), ["good", "bad", "idle"])
    kept, rejected = fitted.meta["right_kept"], fitted.meta["absent_rejected"]
    assert isinstance(kept, float)
    assert isinstance(rejected, float)
    assert 0.94 <= kept <= 1.0
    assert rejected > 0.5
    assert 0.0 < fitted.threshold < 1.0


def test_an_instruction_without_candidates_counts_as_not_found() -> None:
    empty: Sample = {"rows": [], "right": [], "absent": True}
    judged = with_threshold(Calibration({"good": 1.0}, 0.0, 0.5), [*samples(4), empty, empty])
    assert judged.meta["instructions"] == 402
    assert judged.threshold > 0.0


def test_nothing_to_learn_from_is_an_error() -> None:
    only_wrong: Sample = {"rows": [{"good": 1.0}], "right": [False], "absent": False}
    with pytest.raises(ReticleError, match="right and wrong"):
        fit([only_wrong], ["good"])
    with pytest.raises(ReticleError, match="right and wrong"):
        fit([], ["good"])


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    units = (Unit({"good": 0.5, "bad": 1.5}, 0.25, -2.0),)
    made = Calibration({"good": 1.25, "bad": -0.5}, -2.0, 0.31, {"seed": 7, "command": "fit"}, units)
    made.save(tmp_path / "c.json")
    assert load_calibration(tmp_path / "c.json") == made


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weights": {"a": "x"}, "bias": 0, "threshold": 0.5}'])
def test_a_malformed_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReticleError, match=r"broken\.json"):
        load_calibration(path)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nan.json"
    path.write_text('{"weights": {"text": NaN}, "bias": 0.0, "threshold": 0.5}', encoding="utf-8")
    with pytest.raises(ReticleError, match="not finite"):
        load_calibration(path)
    with pytest.raises(ReticleError, match="cannot read"):
        load_calibration(tmp_path / "absent.json")


def test_the_shipped_file_fits_the_features() -> None:
    shipped = load_calibration()
    assert set(shipped.weights) == set(FEATURES)
    assert 0.0 < shipped.threshold < 1.0
    meta = json.loads(DATA_FILE.read_text(encoding="utf-8"))["meta"]
    assert {"command", "model", "instructions", "right_kept", "absent_rejected"} <= set(meta)
    assert shipped.p_true({"text": 1.0, "text_exact": 1.0, "text_precision": 1.0, "text_recall": 1.0}) > shipped.p_true(
        {}
    )


def test_extreme_features_do_not_overflow() -> None:
    made = Calibration({"x": 1e6}, 0.0, 0.5)
    assert made.p_true({"x": 1e6}) == pytest.approx(1.0)
    assert made.p_true({"x": -1e6}) == pytest.approx(0.0)


def test_hidden_units_learn_what_no_line_can() -> None:
    """Right only where exactly one of two features is high."""
    rng = np.random.default_rng(5)
    made: list[Sample] = []
    for _ in range(600):
        values = rng.integers(0, 2, (3, 2))
        rows = [{"a": float(a), "b": float(b)} for a, b in values]
        made.append({"rows": rows, "right": [bool(a != b) for a, b in values], "absent": False})
    line, bent = fit(made, ["a", "b"]), fit(made, ["a", "b"], 0.1, units=4)
    apart = [bent.p_true({"a": a, "b": b}) for a, b in ((0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1.0, 1.0))]
    assert min(apart[:2]) > 0.9
    assert max(apart[2:]) < 0.1
    assert max(abs(line.p_true({"a": a, "b": b}) - 0.5) for a in (0.0, 1.0) for b in (0.0, 1.0)) < 0.2


def test_many_candidates_at_once_get_what_each_gets_alone() -> None:
    units = (Unit({"a": 0.5, "b": 1.5}, 0.25, -2.0), Unit({"c": 1.0}, 0.0, 0.5))
    made = Calibration({"a": 1.25, "b": -0.5}, -2.0, 0.31, {}, units)
    rows = [{"a": 1.0, "c": -1.0, "unknown": 7.0}, {"b": 0.3}, {}]
    assert made.logits(rows) == pytest.approx([made.logit(row) for row in rows])
    assert made.logits([]) == []


def test_several_starts_are_averaged() -> None:
    data = samples(9, 300, 10_000)
    one, two = (fit(data, ["good", "bad"], units=2, starts=n) for n in (1, 2))
    assert (len(one.hidden), len(two.hidden)) == (2, 4)


def test_a_fit_is_the_same_again_and_hidden_units_are_no_loss() -> None:
    """Hidden units fitted twice from the same samples are the same, and better than none on them."""
    data = samples(6, 300, 10_000)
    first, again = (fit(data, ["good", "bad", "idle"], units=3) for _ in range(2))
    assert first == again

    def cost(made: Calibration) -> float:
        pairs = [(made.p_true(r), t) for s in data for r, t in zip(s["rows"], s["right"], strict=True)]
        return -float(np.mean([np.log(p if t else 1 - p) for p, t in pairs]))

    assert cost(first) <= cost(fit(data, ["good", "bad", "idle"])) + 1e-3
