"""What a person says of a run afterwards, and what exports make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agent_fakes.recorded import SIZE, recorded

from reticle_agent.trace import verify
from reticle_agent.trace.export.record import read_run
from reticle_agent.trace.review import NAME, Review, StepReview, read_review, write_review
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return recorded(tmp_path / "run")


def test_a_review_is_kept_beside_the_run_and_taken_back(run: Path) -> None:
    journal = (run / "events.jsonl").read_bytes()
    review = Review().judged(2, "wrong").corrected(2, Rect(0.1, 0.2, 0.3, 0.4)).judged(0, "right")
    write_review(run, review)
    assert read_review(run) == review
    assert list(read_review(run).steps) == [0, 2]
    assert (run / "events.jsonl").read_bytes() == journal
    assert not verify(run)
    assert review.judged(0, None).corrected(2, None).judged(2, None) == Review()
    assert review.of(7) == StepReview()


def test_a_run_without_a_review_has_an_empty_one(run: Path) -> None:
    assert read_review(run) == Review()


@pytest.mark.parametrize("region", [Rect(0.5, 0, 0.4, 1), Rect(-0.1, 0, 0.4, 1), Rect(0, 0, 0.4, 1.2)])
def test_a_region_off_the_capture_is_refused(region: Rect) -> None:
    with pytest.raises(BadInput, match="region"):
        Review().corrected(1, region)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "review/1"),
        ('{"schema": "review/2", "steps": {}}', "review/1"),
        ('{"schema": "review/1"}', "steps"),
        ('{"schema": "review/1", "steps": {"one": {}}}', "one"),
        ('{"schema": "review/1", "steps": {"1": []}}', "step 1"),
        ('{"schema": "review/1", "steps": {"1": {"verdict": "maybe"}}}', "maybe"),
        ('{"schema": "review/1", "steps": {"1": {"region_norm": [0, 1]}}}', "four numbers"),
        ('{"schema": "review/1", "steps": {"1": {"region_norm": [0, 0, 2, 1]}}}', "within 0..1"),
    ],
)
def test_a_broken_review_is_named(run: Path, content: str, said: str) -> None:
    (run / NAME).write_text(content)
    with pytest.raises(BadInput, match=said) as caught:
        read_review(run)
    assert NAME in str(caught.value)


def test_exports_heed_the_review(run: Path) -> None:
    plain = read_run(run)
    step = next(s for s in plain.steps if len(s.acted) == 1 and s.labels and s.vouched)
    write_review(run, Review().judged(step.number, "wrong"))
    wrong = next(s for s in read_run(run).steps if s.number == step.number)
    assert (wrong.labels, wrong.vouched) == ((), False)
    true = Rect(0.5, 0.5, 0.6, 0.625)
    write_review(run, Review().judged(step.number, "wrong").corrected(step.number, true))
    corrected = next(s for s in read_run(run).steps if s.number == step.number)
    (label,) = corrected.labels
    assert label.norm_region is not None
    assert label.norm_region.as_tuple() == pytest.approx(true.as_tuple())
    assert label.by == "user"
    assert label.point == label.region.center  # type: ignore[union-attr]
    assert corrected.acted[0].point == step.acted[0].point, "where the input went is history"
    assert not corrected.vouched
    assert label.size == SIZE


def test_a_step_called_right_becomes_a_label(run: Path) -> None:
    plain = read_run(run)
    unsure = next((s for s in plain.steps if s.acted and not s.acted[-1].by), None)
    assert unsure is not None, "the recorded run has a place that nobody vouches for"
    write_review(run, Review().judged(unsure.number, "right"))
    now = next(s for s in read_run(run).steps if s.number == unsure.number)
    assert now.acted[-1].by == "user"
    assert now.labels[-1] == now.acted[-1]


def test_other_steps_stay_as_they_were(run: Path) -> None:
    before = read_run(run).steps
    write_review(run, Review().judged(10_000, "wrong"))
    assert read_run(run).steps == before
    assert json.loads((run / NAME).read_text())["steps"] == {"10000": {"verdict": "wrong"}}
