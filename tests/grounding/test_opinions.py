"""Opinions weighed together: joined by place, never lowered by agreement, and true again after the fit."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from reticle_grounding.calibration import load_calibration, probability
from reticle_grounding.errors import ReticleError
from reticle_grounding.evidence import Draft
from reticle_grounding.geometry import Rect
from reticle_grounding.opinions import (
    DATA_FILE,
    LEAST,
    MOST,
    NO_CHANGE,
    Opinion,
    Place,
    Pooling,
    held,
    load_pooling,
    places,
    pooled,
    same_place,
    save_pooling,
)
from reticle_grounding.opinions_fit import Asked, figures, fit, main
from reticle_grounding.reconsider import Reconsidered
from reticle_grounding.types import HeardKind, Origin

SCREEN = Rect(0, 0, 400, 300)
LAW = Pooling(0.8, 0.3, 0.5)


def draft(left: float, top: float, width: float = 40, height: float = 20, origin: Origin = "text") -> Draft:
    region = Rect(left, top, left + width, top + height)
    return Draft(region, region.center, origin, None)


A, B, C = draft(10, 10), draft(100, 10), draft(200, 200)


def opinion(*ranked: tuple[float, Draft], kind: HeardKind = "wording", part: Rect = SCREEN) -> Opinion:
    return Opinion(kind, "other words", part, ranked)


def test_agreement_lifts_and_dissent_lowers() -> None:
    first = [(0.5, A), (0.4, B)]
    alone = {p.place.draft: p.p_true for p in pooled(first, [opinion((0.5, A), (0.4, B))], LAW)}
    turned = pooled(first, [opinion((0.9, B), (0.1, A))], LAW)
    assert turned[0].place.draft is B
    assert turned[0].p_true > alone[B]
    assert [p.p_true for p in turned] == sorted((p.p_true for p in turned), reverse=True)


def test_places_of_opinions_join_with_least_log_odds() -> None:
    found = places([(0.5, A)], [opinion((0.8, C), (0.3, A))])
    assert [p.draft for p in found] == [A, C]
    assert (found[1].first, found[1].share) == (LEAST, 1.0)
    assert found[0].mean == pytest.approx(held(0.3))
    assert found[0].share == 0.0


def test_an_opinion_is_silent_about_what_it_did_not_see() -> None:
    near = Rect(0, 0, 150, 50)
    a, c = places([(0.5, A), (0.5, C)], [opinion((0.9, A), kind="second look", part=near)])
    assert (a.spoken, c.spoken) == (True, False)
    assert c.logit(LAW) == pytest.approx(LAW.own * c.first)


def test_several_opinions_are_averaged() -> None:
    (place,) = places([(0.5, A)], [opinion((0.9, A)), opinion((0.2, A)), opinion()])
    assert place.mean == pytest.approx((held(0.9) + held(0.2) + LEAST) / 3)
    assert place.share == pytest.approx(2 / 3)


def test_a_finer_place_takes_over_its_region_only_from_a_closer_look() -> None:
    coarse, fine = draft(0, 0, 100, 100, "attention"), draft(20, 60, 10, 10, "attention")
    close = places([(0.6, coarse)], [opinion((0.4, fine), kind="second look")])
    assert close[0].draft is fine
    assert close[0].first == pytest.approx(held(0.6))
    words = places([(0.6, coarse)], [opinion((0.4, fine))])
    assert (words[0].draft, words[1].first) == (coarse, LEAST)
    text = replace(coarse, origin="text")
    assert places([(0.6, text)], [opinion((0.4, fine), kind="second look")])[0].draft is text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (A, A, True),
        (A, B, False),
        (A, draft(11, 9, 42, 22), True),
        (A, draft(0, 0, 120, 40), True),
        (A, SCREEN, False),
        (draft(0, 0, 10, 10), draft(12, 0, 10, 10), False),
    ],
)
def test_what_counts_as_the_same_place(one: Draft, other: Draft | Rect, same: bool) -> None:
    whole = Draft(other, other.center, "element", None) if isinstance(other, Rect) else other
    assert same_place(one, whole) is same
    assert same_place(whole, one) is same


@pytest.mark.parametrize("kind", ["wording", "second look"])
def test_shipped_constants_never_lower_what_is_agreed_with(kind: HeardKind) -> None:
    law, rng = load_pooling(kind), Random(4)
    for _ in range(200):
        at = Place(A, rng.uniform(LEAST, MOST), rng.uniform(LEAST, MOST - 1), rng.random() * 0.9, True)
        better = [replace(at, first=at.first + 0.1), replace(at, mean=at.mean + 0.1), replace(at, share=at.share + 0.1)]
        assert all(b.logit(law) >= at.logit(law) for b in better)
    assert {"command", "instructions", "ece_before", "ece_after"} <= set(law.meta)


def test_negative_constants_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReticleError, match="negative"):
        Pooling(1.0, -0.1, 0.0)
    path = tmp_path / "o.json"
    save_pooling("wording", LAW, path)
    path.write_text(path.read_text().replace("0.3", "-0.3"))
    with pytest.raises(ReticleError, match="negative"):
        load_pooling("wording", path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"wording": {"own": 1}}', '{"wording": 3}'])
def test_broken_files_are_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "opinions.json"
    path.write_text(content)
    with pytest.raises(ReticleError, match=r"opinions\.json"):
        load_pooling("wording", path)
    with pytest.raises(ReticleError, match="nowhere"):
        load_pooling("wording", tmp_path / "nowhere")


def test_constants_survive_the_file_and_leave_the_other_kind_alone(tmp_path: Path) -> None:
    path = tmp_path / "opinions.json"
    save_pooling("wording", replace(LAW, meta={"command": "c"}), path)
    save_pooling("second look", Pooling(1.0, 0.0, 0.25), path)
    assert load_pooling("wording", path) == replace(LAW, meta={"command": "c"})
    assert load_pooling("second look", path).agreed == 0.25


def test_without_opinions_nothing_changes() -> None:
    first = [(0.5, A), (0.4, B)]
    answer = Reconsidered(first)
    assert answer.with_opinions([]) is answer
    kept = pooled(first, [opinion((0.9, B))], NO_CHANGE)
    assert [k.place.draft for k in kept] == [A, B]
    assert [k.p_true for k in kept] == pytest.approx([0.5, 0.4])


def test_evidence_and_record_name_what_was_heard() -> None:
    answer = Reconsidered([(0.5, A), (0.4, B)]).with_opinions([opinion((0.9, A)), opinion((0.3, B))])
    said = answer.evidence[id(A)]
    assert (said["wordings_before"], said["wordings_agree"]) == (0.0, 0.5)
    assert [(h.kind, h.agrees, h.p_true) for h in answer.heard()] == [("wording", True, 0.9), ("wording", False, 0.3)]


def asked(rng: Random, informative: bool) -> Asked:
    """Two places of which the first answer prefers one by luck and is too sure of it; the opinion knows better."""
    right = rng.random() < 0.5
    sure = rng.choice([-1.5, 0.5, 3.0])
    says = (2.0 if right else -2.0) if informative else rng.choice([-2.0, 2.0])
    one = Place(A, sure, says, float(says > 0), True)
    other = Place(B, -2.0, -says, float(says < 0), True)
    return Asked([one, other], [right, not right], False)


def test_the_fit_hears_opinions_that_know_something_and_mends_probabilities() -> None:
    rng = Random(1)
    samples = [asked(rng, True) for _ in range(400)]
    law = fit(samples)
    before, after = figures(samples, NO_CHANGE), figures(samples, law)
    assert law.others + law.agreed > 0.5
    assert after["accuracy"] is not None
    assert before["accuracy"] is not None
    assert after["accuracy"] > before["accuracy"] + 0.2
    assert after["ece"] is not None
    assert before["ece"] is not None
    assert after["ece"] < before["ece"]


def test_the_fit_ignores_opinions_that_know_nothing() -> None:
    rng = Random(2)
    samples = [asked(rng, False) for _ in range(400)]
    law = fit(samples)
    informed = fit([asked(rng, True) for _ in range(400)])
    assert 2 * law.others + law.agreed < 0.25 * (2 * informed.others + informed.agreed)


def test_a_fit_without_right_places_is_refused() -> None:
    with pytest.raises(ReticleError, match="only one kind"):
        fit([Asked([Place(A, 0.0, 0.0, 0.0, True)], [False], False)])


def test_a_bad_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wording", "--captured", str(tmp_path / "none"), "--out", str(tmp_path / "o.json")]) == 2
    assert "none" in capsys.readouterr().err


def test_the_calibration_is_not_touched() -> None:
    assert DATA_FILE.name != "calibration.json"
    assert not set(load_calibration().weights) & {"wordings_agree", "second_look_agree"}
    assert math.isclose(probability(held(0.3)), 0.3)
