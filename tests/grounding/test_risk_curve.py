"""The file behind "act alone": it lets through what was measured, for the model it was measured with, and no more."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from reticle_grounding.calibration import DATA_FILE as CALIBRATION
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.evaluation.risk import Answer, act_alone, risk_coverage
from reticle_grounding.risk_curve import calibration_digest, load_risk_curve, measured


def drawn(n: int, seed: int = 1) -> list[Answer]:
    """Answers whose ``p_true`` is true."""
    rng = random.Random(seed)
    chances = [rng.random() ** 0.2 for _ in range(n)]
    return [Answer(p, rng.random() < p) for p in chances]


def test_round_trip(tmp_path: Path) -> None:
    curve = measured("m", ["one (3)"], drawn(500))
    curve.save(tmp_path / "risk.json")
    assert load_risk_curve(tmp_path / "risk.json") == curve
    assert curve.covers("m", calibration_digest())
    assert not curve.covers("another", calibration_digest())
    assert not curve.covers("m", calibration_digest(tmp_path / "risk.json"))


def test_rounding_lets_nothing_more_through() -> None:
    answers = drawn(2000)
    curve = measured("m", [], answers)
    for goal in (5, 10, 20):
        exact, kept = act_alone(risk_coverage(answers), 1 - 1 / goal), curve.alone(goal)
        assert exact is not None
        assert kept is not None
        let_through = [a for a in answers if (a.p or 0) >= kept.p_true]
        assert (len(let_through), sum(a.right for a in let_through)) == (kept.answered, kept.right)
        assert abs(kept.coverage - exact.coverage) < 0.01


def test_the_promise_holds_on_answers_that_were_not_measured() -> None:
    """Over many drawn sets, the share of thresholds whose true risk is above the goal is about the 5% of the bound."""
    broken = 0
    later = drawn(8000, 1000)
    for seed in range(40):
        point = measured("m", [], drawn(800, seed)).alone(10)
        assert point is not None
        through = [a for a in later if (a.p or 0) >= point.p_true]
        broken += sum(not a.right for a in through) / len(through) > 1 / 10
    assert broken <= 8


def test_few_answers_vouch_for_nothing() -> None:
    assert measured("m", [], [Answer(0.9, True)] * 200).alone(100) is None
    assert measured("m", [], [Answer(0.9, True)] * 300).alone(100) is not None
    assert measured("m", [], [Answer(None, False, present=False)] * 300).alone(2) is None


@pytest.mark.parametrize("goal", [1, 0, -5, 10**9])
def test_goals_that_are_none(goal: int) -> None:
    with pytest.raises(BadInput, match="no goal"):
        measured("m", [], drawn(50)).alone(goal)


def test_nothing_asked_is_no_curve() -> None:
    with pytest.raises(BadInput, match="nothing was asked"):
        measured("m", [], [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"model": "m", "calibration_sha256": "", "sets": [], "total": 3, "points": [[0.5, 4, 1]]}',
        '{"model": "m", "calibration_sha256": "", "sets": [], "total": 9, "points": [[0.5, 4, 5]]}',
        '{"model": "m", "calibration_sha256": "", "sets": [], "total": 9, "points": [[0.5, 4, 1], [0.6, 5, 1]]}',
        '{"model": "m", "calibration_sha256": "", "sets": [], "total": 9, "points": [[0.5, 4, 3], [0.4, 5, 1]]}',
        '{"model": "m", "calibration_sha256": "", "sets": [], "total": 9, "points": [[NaN, 4, 1]]}',
        '{"model": "m", "calibration_sha256": "", "sets": [], "total": 9, "points": [["x", 4, 1]]}',
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "risk.json"
    path.write_text(text)
    with pytest.raises(ReticleError, match=r"risk\.json is not valid"):
        load_risk_curve(path)


def test_missing_and_unwritable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReticleError, match=r"none\.json"):
        load_risk_curve(tmp_path / "none.json")
    with pytest.raises(BadInput, match="cannot write"):
        measured("m", [], drawn(50)).save(tmp_path / "no" / "risk.json")


def test_digest_is_of_the_coefficients(tmp_path: Path) -> None:
    changed = tmp_path / "calibration.json"
    document = json.loads(CALIBRATION.read_text())
    document["bias"] += 0.1
    changed.write_text(json.dumps(document))
    assert calibration_digest(changed) != calibration_digest()
    with pytest.raises(ReticleError, match="cannot read calibration"):
        calibration_digest(tmp_path / "gone.json")
