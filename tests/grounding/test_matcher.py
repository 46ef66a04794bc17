"""The matcher: crops and phrases in one space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.errors import CheckpointError
from reticle_grounding.geometry import Rect
from reticle_grounding.matcher import crops
from reticle_grounding.matcher.matcher import NoMatcher, TrainedMatcher, open_matcher
from reticle_grounding.matcher.net import MatcherNet
from reticle_grounding.matcher.sentences import DIM, MAX_TOKENS, Tokens, by_length
from reticle_grounding.matcher.store import FILE, MAX_BYTES, WORDS, load, save
from reticle_grounding.training.agreement import agreement, akin, together
from reticle_grounding.training.looks import Look
from reticle_grounding.training.matcher_train import Phrases, loss_of
from reticle_grounding.training.words_train import Pair
from reticle_grounding.training.words_train import loss_of as loss_of_words

KNOWN = "open the file save print undo bold zoom in delete keep it on paper x"
WORDS_KNOWN = ["[UNK]", "[PAD]", *KNOWN.split(" ")]


def picture(width: int = 60, height: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (height, width, 3), dtype=np.uint8)


def tokens() -> Tokens:
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS_KNOWN)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return Tokens(tokenizer)


@pytest.fixture(scope="module")
def net() -> MatcherNet:
    torch.manual_seed(0)
    return MatcherNet().eval()


def test_a_crop_shows_the_square_around_its_proposal() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[40:60, 40:60] = 255
    crop = crops.cut(image, [Rect(40, 40, 60, 60)])[0]
    assert crop.shape == (crops.SIDE, crops.SIDE, 3)
    share = (crop[..., 0] > 127).mean()
    assert abs(share - 1 / crops.CONTEXT**2) < 0.06
    assert crop[0, 0, 0] == 0
    assert crop[16, 16, 0] == 255


@pytest.mark.parametrize(
    "rect", [Rect(-9, -9, 3, 3), Rect(55, 35, 90, 70), Rect(0, 0, 60, 40), Rect(10, 10, 11, 11), Rect(-90, 5, -60, 20)]
)
def test_crops_at_and_beyond_the_edge_are_whole(rect: Rect) -> None:
    assert crops.cut(picture(), [rect]).shape == (1, crops.SIDE, crops.SIDE, 3)


def test_vectors_have_norm_one_and_do_not_depend_on_the_batch(net: MatcherNet) -> None:
    shown = crops.cut(picture(), [Rect(0, 0, 20, 20), Rect(10, 10, 40, 30)])
    with torch.inference_mode():
        both, one = net.see(shown), net.see(shown[1:])
        said, alone = net.say(tokens(), ["open the file", "x"]), net.say(tokens(), ["x"])
    assert both.shape == (2, DIM)
    assert torch.allclose(both.norm(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(said.norm(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(both[1], one[0], atol=1e-5)
    assert torch.allclose(said[1], alone[0], atol=1e-5)


@pytest.mark.parametrize("text", ["", "   ", "…", "+", "日本語", "word " * 200])
def test_any_phrase_becomes_a_vector(net: MatcherNet, text: str) -> None:
    with torch.inference_mode():
        said = net.say(tokens(), [text, "open"])
    assert bool(torch.isfinite(said).all())


def test_long_phrases_are_cut_and_batches_hold_like_lengths() -> None:
    ids, mask = tokens()(["open " * 100, "x"])
    assert ids.shape == mask.shape == (2, MAX_TOKENS)
    assert by_length(["aaaa", "b", "cc"], 2) == [[1, 2], [0]]


def test_weights_survive_the_disk_in_small_files(net: MatcherNet, tmp_path: Path) -> None:
    paths = save(net, tmp_path, {"made": "here"})
    tokens().save(tmp_path)
    assert len(paths) == 3
    assert all(p.stat().st_size < MAX_BYTES + 100_000 for p in paths)
    again = load(tmp_path)
    phrases = ["bold", "print the file", "zoom in"]
    with torch.inference_mode():
        alike = torch.nn.functional.cosine_similarity(
            net.say(tokens(), phrases), again.say(Tokens.of(tmp_path), phrases)
        )
    assert alike.min().item() > 0.999


def test_a_folder_without_weights_knows_nothing_and_a_broken_one_says_so(tmp_path: Path) -> None:
    assert isinstance(open_matcher(tmp_path / "none"), NoMatcher)
    assert NoMatcher().see(picture(), [Rect(0, 0, 9, 9)]).sum() == 0
    (tmp_path / FILE).write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match=FILE):
        load(tmp_path)


def test_missing_and_misshaped_weights_are_named(net: MatcherNet, tmp_path: Path) -> None:
    save(net, tmp_path, {})
    (tmp_path / WORDS.format(2)).unlink()
    with pytest.raises(CheckpointError, match=r"words\.encoder"):
        load(tmp_path)
    other = MatcherNet()
    other.looks.out = torch.nn.Linear(256, 7)
    save(other, tmp_path, {})
    with pytest.raises(CheckpointError, match=r"looks\.out"):
        load(tmp_path)


def test_a_look_is_the_mean_of_a_wide_and_a_close_crop(net: MatcherNet) -> None:
    rects = [Rect(4, 4, 24, 24), Rect(30, 8, 60, 28)]
    with torch.inference_mode():
        wide, close = (net.see(crops.cut(picture(), rects, c)) for c in (crops.CONTEXT, crops.CLOSER))
        seen = net.look_at(picture(), rects)
    assert not torch.allclose(wide, close, atol=1e-3)
    assert torch.allclose(seen, torch.nn.functional.normalize(wide + close, dim=-1), atol=1e-6)
    assert torch.allclose(seen.norm(dim=-1), torch.ones(2), atol=1e-5)


def test_no_proposals_and_no_phrases_are_fine() -> None:
    matcher = TrainedMatcher(embedded_model_dir())
    assert len(matcher.see(picture(), [])) == 0
    assert len(matcher.say([])) == 0


def test_phrases_are_turned_into_vectors_once_and_old_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reticle_grounding.matcher.matcher.KEPT", 2)
    matcher = TrainedMatcher(embedded_model_dir())
    asked: list[str] = []
    say = matcher._net.say
    monkeypatch.setattr(matcher._net, "say", lambda tokens, phrases: (asked.extend(phrases), say(tokens, phrases))[1])
    first = matcher.say(["Save", "Print", "Save"])
    again = matcher.say(["Print", "Save"])
    assert asked == ["Save", "Print"]
    assert np.array_equal(first[[1, 0]], again)
    assert np.array_equal(first[0], first[2])
    assert len(matcher.say(["Cut", "Copy", "Paste"])) == 3
    matcher.say(["Save"])
    assert asked == ["Save", "Print", "Cut", "Copy", "Paste", "Save"]


def test_the_shipped_phrases_know_what_goes_together() -> None:
    said = TrainedMatcher(embedded_model_dir()).say
    asked = said(["store it under another name", "get rid of the selected mail", "make everything bigger"])
    labels = said(["Save As...", "Delete", "Zoom In", "Print", "Paste", "Help"])
    assert (asked @ labels.T).argmax(axis=1).tolist() == [0, 1, 2]


def test_agreement_prefers_the_right_pairs_and_leaves_unsure_ones_out() -> None:
    vectors = torch.eye(3)
    same = torch.eye(3, dtype=torch.bool)
    none = torch.zeros(3, 3, dtype=torch.bool)
    scale = torch.tensor(10.0)
    right = agreement(vectors, vectors, same, none, scale)
    wrong = agreement(vectors, vectors.roll(1, 0), same, none, scale)
    assert right < 0.01 < wrong
    twin = vectors.clone()
    twin[1] = vectors[0]
    unsure = torch.zeros(3, 3, dtype=torch.bool)
    unsure[0, 1] = unsure[1, 0] = True
    assert agreement(twin, twin, same, unsure, scale) < agreement(twin, twin, same, none, scale)


def test_an_empty_group_belongs_to_nothing() -> None:
    assert not together([""], ["", "a"]).any()
    assert akin([frozenset({"a", "b"})], ["b", "c"]).tolist() == [[True, False]]


def test_a_few_steps_teach_a_few_looks() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    crop = rng.integers(0, 255, (6, crops.SIDE, crops.SIDE, 3), dtype=np.uint8)
    words = ["save", "print", "undo", "bold", "zoom in", "delete"]
    looks = [Look(c, w, w) for c, w in zip(crop, words, strict=True)]
    net = MatcherNet()
    phrases = Phrases(net.eval(), tokens())
    net.looks.train()
    optimizer = torch.optim.AdamW(net.looks.parameters(), lr=2e-3)
    for _ in range(40):
        loss, _ = loss_of(net, phrases, looks, looks[:2])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        best = (net.ask(phrases(words)) @ net.see(crop).T).argmax(dim=1)
    assert best.tolist() == list(range(6))


def test_a_few_steps_teach_a_few_wordings() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net, known = MatcherNet(), tokens()
    pairs = [Pair("keep it", "save", "save"), Pair("on paper", "print", "print"), Pair("the x", "delete", "delete")]
    net.words.train()
    optimizer = torch.optim.AdamW(net.words.parameters(), lr=1e-4)
    wrong = [Pair("", "open", "open"), Pair("", "close", "close")]
    for _ in range(12):
        loss = loss_of_words(net.words, known, [*pairs, *wrong])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        labels = net.say(known, [p.label for p in [*pairs, *wrong]])
        best = (net.say(known, [p.said for p in pairs]) @ labels.T).argmax(dim=1)
    assert best.tolist() == [0, 1, 2]
