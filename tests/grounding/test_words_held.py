"""Wordings are trained towards labels that stay where they are."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import torch

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.matcher.sentences import SentenceTower, Tokens, say
from reticle_grounding.matcher.store import load
from reticle_grounding.training import words_held, words_train
from reticle_grounding.training.spoken import kept_places, lexicon
from reticle_grounding.training.words_held import (
    SHARES,
    Labels,
    holding_loss,
    told_place,
    with_company,
)
from reticle_grounding.training.words_train import Pair, PairSource, loss_of

FEW = (
    {"Freeze Panes": ("the first row shall stay in sight",), "Split Window": ("two views of one sheet",)},
    {"Mute": ("not a sound please",), "Louder": ("I can hardly hear it",)},
)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> PairSource:
    found = PairSource([], [], "a seed", {"places": 1.0})
    found.places = FEW
    monkeypatch.setattr(words_held, "BATCH", 4)
    monkeypatch.setattr(words_held, "OTHERS", 12)
    monkeypatch.setattr(words_held, "HELD", 6)
    return found


@pytest.fixture
def tower() -> SentenceTower:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return load(embedded_model_dir()).words


@pytest.fixture
def tokens() -> Tokens:
    return Tokens.of(embedded_model_dir())


def few_labels(source: PairSource, tower: SentenceTower, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> Labels:
    """Labels without those of the tables, so that a test need not say thousands."""
    monkeypatch.setattr(words_held, "concepts", lambda: ())
    monkeypatch.setattr(words_held, "icon_words", dict)
    source.names = [(f"Name {i}", ("a",)) for i in range(20)]
    source.elements, source.tagged = [], []
    return Labels(source, tower.eval(), tokens)


def test_kept_places_are_none_of_those_trained_on() -> None:
    trained = {frozenset(place) for place in lexicon()}
    assert len(kept_places()) >= 50
    assert all(frozenset(place) not in trained for place in kept_places())
    assert all(len(wordings) == 4 for place in kept_places() for wordings in place.values())


def test_all_controls_of_a_place_stand_against_its_wordings(
    source: PairSource, tower: SentenceTower, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = few_labels(source, tower, tokens, monkeypatch)
    monkeypatch.setattr(words_held, "BATCH", 1)
    monkeypatch.setattr("reticle_grounding.training.words_train.TOGETHER", 1)
    pairs = with_company(source, labels, Random("company"))
    asked = [p for p in pairs if p.said]
    silent = [p for p in pairs if not p.said]
    assert len(asked) == 1
    place = FEW[asked[0].place or 0]
    assert {p.label for p in silent} >= set(place) - {asked[0].label}
    assert len({p.label for p in pairs}) == len(pairs)
    assert len(silent) > 8, "labels of anywhere stand against them, too"


def test_wordings_move_and_labels_stay(
    source: PairSource, tower: SentenceTower, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = few_labels(source, tower, tokens, monkeypatch)
    rng = Random("moving")
    asked = [words for place in FEW for said in place.values() for words in said]
    names = [name for place in FEW for name in place]
    with torch.no_grad():
        before = (say(tower, tokens, asked) * labels.vectors(names)).sum(dim=1)
    optimizer = torch.optim.AdamW(tower.parameters(), lr=5e-5)
    first = last = 0.0
    for step in range(8):
        pairs = with_company(source, labels, rng)
        wordings = loss_of(tower, tokens, pairs, labels.vectors([p.label for p in pairs]))
        loss = wordings + words_held.HOLD * holding_loss(tower, tokens, labels, rng)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        first, last = (wordings.item() if step == 0 else first), wordings.item()
    assert last < 0.5 * first
    with torch.no_grad():
        after = (say(tower, tokens, asked) * labels.vectors(names)).sum(dim=1)
        stayed = (say(tower, tokens, names) * labels.vectors(names)).sum(dim=1)
    assert after.mean() > before.mean() + 0.02
    assert stayed.min() > 0.97
    assert all(hit for place in FEW for hit in told_place(tower, tokens, place))


def test_read_labels_are_held_where_they_are_clean(
    source: PairSource, tower: SentenceTower, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = few_labels(source, tower, tokens, monkeypatch)
    monkeypatch.setattr(words_held, "SIGNS", ("{}",))
    with torch.no_grad():
        assert float(holding_loss(tower, tokens, labels, Random(0))) < 1e-5
        monkeypatch.setattr(words_held, "SIGNS", ("Q{}√ 12",))
        assert float(holding_loss(tower, tokens, labels, Random(0))) > 0.02


def test_what_is_stored_is_in_part_the_tower_of_before(
    source: PairSource, tower: SentenceTower, tokens: Tokens, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    few_labels(source, tower, tokens, monkeypatch)
    monkeypatch.setattr(words_held, "PairSource", lambda *_: source)
    monkeypatch.setattr(words_held, "measured", lambda *_: {})
    monkeypatch.setattr(words_train, "WARMUP", 1)
    given = ["words_held", "OUT", "--model", str(embedded_model_dir()), "--minutes", "0.02", "--threads", "1"]
    weights = {}
    for share in ("1", "0"):
        given[1] = str(tmp_path / share)
        monkeypatch.setattr("sys.argv", [*given, "--former", share])
        words_held.main()
        weights[share] = load(tmp_path / share).words.state_dict()["encoder.encoder.layer.0.output.dense.weight"]
    shipped = tower.state_dict()["encoder.encoder.layer.0.output.dense.weight"]
    assert torch.allclose(weights["1"], shipped, atol=1e-5)
    assert (weights["0"] - shipped).abs().mean() > 1e-5, "some steps were taken"
    with torch.no_grad():
        said = say(load(tmp_path / "1").words, Tokens.of(tmp_path / "1"), ["Mute"])
        assert torch.allclose(said, say(tower, tokens, ["Mute"]), atol=1e-3)


def test_pairs_without_a_place_have_no_company(
    source: PairSource, tower: SentenceTower, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = few_labels(source, tower, tokens, monkeypatch)
    pair = Pair("a", "Name 1", "name 1")
    monkeypatch.setattr(source, "draw", lambda _: [pair])
    monkeypatch.setattr(words_held, "OTHERS", 0)
    assert with_company(source, labels, Random(0)) == [pair]
    assert pair.place is None
    assert sum(SHARES.values()) == pytest.approx(1.0)
