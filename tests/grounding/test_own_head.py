"""Heads of one's own: what they learn, what they may not learn, and files that are refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize, stats

from reticle_grounding.calibration import Calibration, Unit, load_calibration
from reticle_grounding.errors import BadInput
from reticle_grounding.own_head import Head, load_head, model_of, use_head
from reticle_grounding.own_head_fit import (
    Answer,
    By,
    Labelled,
    Measured,
    _loss,
    _parts,
    _table,
    enough,
    fit_head,
    sign_test,
)
from reticle_grounding.predictor import Grounder
from reticle_grounding.risk_curve import calibration_digest
from reticle_grounding.sources import EvenAttention, PointerSource

NAMES = ("text", "look", "wide")
BASE = Calibration({"text": 4.0, "look": 1.0}, -2.0, 0.5, {}, (Unit({"text": 0.5}, 0.1, 0.3),))


def step(rng: np.random.Generator, group: str, taste: str, by: By = "user", absent: bool = False) -> Labelled:
    """Four candidates; the right one has most of ``taste``."""
    rows = [dict(zip(NAMES, row, strict=True)) for row in rng.random((4, 3)).tolist()]
    right = int(np.argmax([row[taste] for row in rows]))
    weak = [{name: value * 0.2 for name, value in row.items()} for row in rows]
    if absent:
        return Labelled({"rows": weak, "right": [False] * 4, "absent": True}, group, "none")
    return Labelled({"rows": rows, "right": [i == right for i in range(4)], "absent": False}, group, by)


def steps(taste: str, count: int = 60, groups: int = 12, seed: int = 0) -> list[Labelled]:
    rng = np.random.default_rng(seed)
    made = [step(rng, f"task {i % groups}", taste) for i in range(count)]
    return made + [step(rng, f"task {i % groups}", taste, absent=True) for i in range(count // 2)]


def right(samples: Sequence[Labelled], law: Calibration) -> int:
    tops = [(int(np.argmax(law.logits(s.sample["rows"]))), s) for s in samples if not s.sample["absent"]]
    return sum(s.sample["right"][top] for top, s in tops)


def test_what_a_person_prefers_is_learnt_and_measured_on_held_out_tasks() -> None:
    law, measured = fit_head(steps("look"), BASE, NAMES)
    told = measured.figures()
    assert measured.fault() is None
    assert int(told["right_after"] or 0) >= int(told["right_before"] or 0) + 15
    assert (told["steps"], told["groups"], told["absent"]) == (60, 12, 30)
    assert isinstance(told["p"], float)
    assert told["p"] < 0.01
    fresh = steps("look", seed=9)
    assert right(fresh, law) > right(fresh, BASE) + 15
    assert law.threshold == BASE.threshold
    assert law.weights["look"] > BASE.weights["look"]


def test_sign_test_is_exact() -> None:
    for gained in range(12):
        for lost in range(12):
            if gained + lost:
                expected = stats.binomtest(gained, gained + lost).pvalue
                assert sign_test(gained, lost) == pytest.approx(expected, rel=1e-9)
    assert sign_test(400, 300) == pytest.approx(stats.binomtest(400, 700).pvalue, rel=1e-9)
    assert sign_test(0, 0) == 1.0


def test_noise_is_not_put_to_use() -> None:
    rng = np.random.default_rng(3)
    noise = [
        replace(s, sample={**s.sample, "right": [i == int(rng.integers(4)) for i in range(4)]})
        for s in steps("text")[:60]
    ]
    noise = [s for s in noise if any(s.sample["right"])]
    _, measured = fit_head(noise, BASE, NAMES)
    told = measured.figures()
    if int(told["right_after"] or 0) <= int(told["right_before"] or 0):
        assert "held-out steps" in str(measured.fault())
    assert abs(int(told["right_after"] or 0) - int(told["right_before"] or 0)) < 15


def test_a_law_that_is_right_already_leaves_nothing_to_learn() -> None:
    obvious = [s for s in steps("text", 200, 20) if s.sample["absent"] or right([s], BASE)]
    with pytest.raises(BadInput, match="answered right already"):
        fit_head(obvious, BASE, NAMES)


@pytest.mark.parametrize(("count", "tasks", "words"), [(23, 9, "23 labelled steps of 9 tasks"), (90, 3, "of 3 tasks")])
def test_too_few_steps_are_refused(count: int, tasks: int, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        enough(count, tasks)
    with pytest.raises(BadInput, match="at least 24 of 4 are needed"):
        fit_head(steps("look", count, tasks), BASE, NAMES)


def test_parts_keep_groups_whole_and_hold_everything_out_once() -> None:
    made = steps("look", 57, 11)
    parts = _parts(made, 5)
    assert sorted(i for part in parts for i in part) == list(range(len(made)))
    for part in parts:
        inside = {made[i].group for i in part}
        assert not inside & {made[i].group for i in range(len(made)) if i not in part}
    assert max(map(len, parts)) - min(map(len, parts)) <= 12


def test_what_is_known_by_heart_from_one_task_does_not_count_as_better() -> None:
    """Each task has a feature of its own that gives its answers away; on held-out tasks it says nothing."""
    rng = np.random.default_rng(1)
    names = (*NAMES, *(f"task {i}" for i in range(8)))
    made = []
    for i in range(64):
        rows = [dict(zip(NAMES, row, strict=True)) for row in rng.random((4, 3)).tolist()]
        chosen = int(rng.integers(4))
        rows[chosen][f"task {i % 8}"] = 1.0
        made.append(
            Labelled({"rows": rows, "right": [k == chosen for k in range(4)], "absent": False}, f"{i % 8}", "user")
        )
    law, measured = fit_head(made, BASE, names)
    assert right(made, law) > 55
    told = measured.figures()
    assert int(told["right_after"] or 0) < 40


def test_the_gradient_is_that_of_the_loss() -> None:
    table = _table(steps("look", 30, 6), BASE, NAMES)
    theta = np.array([0.2, -0.3, 0.5, -1.0, 0.7])
    error = optimize.check_grad(lambda t: _loss(t, table, 4.0)[0], lambda t: _loss(t, table, 4.0)[1], theta)
    assert error < 1e-3 * float(np.abs(_loss(theta, table, 4.0)[1]).max())


def test_taking_absent_targets_for_found_is_not_better() -> None:
    made = steps("look", 30, 6)
    present = [not s.sample["absent"] for s in made]
    before = [Answer(False, here) for here in present]
    after = [Answer(here, True) for here in present]
    told = Measured(made, before, after, 4.0)
    assert told.figures()["right_after"] == 30
    assert told.fault() == "it takes 15 more of 15 absent targets for found"


def head(better: bool = True, **changed: str) -> Head:
    measured = {"steps": 40, "right_before": 20, "right_after": 25 if better else 20}
    model = SimpleNamespace(name="small", module=None, channel=None)
    print_of = model_of(Grounder(PointerSource(model), None, BASE))  # type: ignore[arg-type]
    made = Head(BASE, "small", print_of, calibration_digest(), "2026-01-31T09:00:00+00:00", measured)
    return replace(made, **changed)  # type: ignore[arg-type]


def plain() -> Grounder:
    model = SimpleNamespace(name="small", module=None, channel=None)
    return Grounder(PointerSource(model), None, load_calibration())  # type: ignore[arg-type]


def test_a_head_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = head()
    assert load_head(made.save(tmp_path / "new" / "one.json")) == made
    rng = np.random.default_rng(0)
    rows = [dict(zip(NAMES, row, strict=True)) for row in rng.random((5, 3)).tolist()]
    assert load_head(tmp_path / "new" / "one.json").law.logits(rows) == BASE.logits(rows)


def test_a_head_weighs_and_says_so_in_the_name(tmp_path: Path) -> None:
    opened = use_head(plain(), head())
    assert opened.calibration == BASE
    assert opened.name == "small+head-20260131T090000"
    assert isinstance(opened.source, PointerSource)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (head(fingerprint="0" * 32), "was trained for small .000000000000."),
        (head(base="1" * 64), "another version's law"),
        (head(better=False), "not better than the shipped law"),
    ],
)
def test_heads_that_do_not_fit_are_refused(made: Head, words: str) -> None:
    opened = plain()
    with pytest.raises(BadInput, match=words):
        use_head(opened, made, "own.json")
    assert opened.name == "small"
    assert opened.calibration == load_calibration()


def test_a_grounder_without_a_model_takes_no_head() -> None:
    with pytest.raises(BadInput, match="pointer model"):
        use_head(Grounder(EvenAttention(), None, BASE), head())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("law"), "'law' is missing"),
        (lambda d: d.update(format="other"), "the format 'other'"),
        (lambda d: d["law"].update(bias="high"), "no finite number"),
        (lambda d: d["law"]["weights"].update(text=True), "no finite number"),
        (lambda d: d["law"].update(hidden=[{}]), "'weights' is missing"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, change: object, words: str) -> None:
    path = head().save(tmp_path / "own.json")
    document = json.loads(path.read_text())
    change(document)  # type: ignore[operator]
    path.write_text(json.dumps(document))
    with pytest.raises(BadInput, match=words) as refused:
        load_head(path)
    assert "own.json" in str(refused.value)


def test_files_that_are_not_there_or_no_json_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read the head"):
        load_head(tmp_path / "absent.json")
    (tmp_path / "text.json").write_text("weights: 3")
    with pytest.raises(BadInput, match="no head of `reticle train head`"):
        load_head(tmp_path / "text.json")
