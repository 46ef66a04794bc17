"""The matcher: crops and phrases in one space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reticle_grounding.errors import CheckpointError
from reticle_grounding.geometry import Rect
from reticle_grounding.matcher import crops
from reticle_grounding.matcher.matcher import NoMatcher, TrainedMatcher, open_matcher
from reticle_grounding.matcher.net import DIM, MatcherNet
from reticle_grounding.matcher.phrases import BUCKETS, features
from reticle_grounding.matcher.store import FILE, load, save
from reticle_grounding.training.looks import Look
from reticle_grounding.training.matcher_train import Pairs, agreement, akin, loss_of, together


def picture(width: int = 60, height: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (height, width, 3), dtype=np.uint8)


def test_features_know_words_neighbours_and_letters() -> None:
    save_it, saved = set(features("Save it")), set(features("saved it"))
    assert save_it & saved
    assert save_it != saved
    assert set(features("left right")) != set(features("right left"))
    assert features("Save IT…") == features("save it")


@pytest.mark.parametrize("text", ["", "   ", "…", "+", "日本語"])
def test_any_phrase_has_features(text: str) -> None:
    found = features(text)
    assert found
    assert all(0 <= f < BUCKETS for f in found)


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


def test_vectors_have_norm_one_and_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    net = MatcherNet().eval()
    shown = crops.cut(picture(), [Rect(0, 0, 20, 20), Rect(10, 10, 40, 30)])
    with torch.inference_mode():
        both, one = net.see(shown), net.see(shown[1:])
        said, alone = net.say(["open the file", "x"]), net.say(["x"])
    assert both.shape == (2, DIM)
    assert torch.allclose(both.norm(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(both[1], one[0], atol=1e-5)
    assert torch.allclose(said[1], alone[0], atol=1e-6)


def test_weights_survive_the_disk(tmp_path: Path) -> None:
    net = MatcherNet().eval()
    path = save(net, tmp_path, {"made": "here"})
    assert path.stat().st_size < 12e6
    again = load(tmp_path)
    with torch.inference_mode():
        assert torch.nn.functional.cosine_similarity(net.say(["bold"]), again.say(["bold"])).item() > 0.999


def test_a_folder_without_weights_knows_nothing_and_a_broken_one_says_so(tmp_path: Path) -> None:
    assert isinstance(open_matcher(tmp_path / "none"), NoMatcher)
    assert NoMatcher().see(picture(), [Rect(0, 0, 9, 9)]).sum() == 0
    (tmp_path / FILE).write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match=FILE):
        load(tmp_path)


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    net = MatcherNet()
    net.looks.out = torch.nn.Linear(256, 7)
    save(net, tmp_path, {})
    with pytest.raises(CheckpointError, match=r"looks\.out"):
        load(tmp_path)


def test_no_proposals_and_no_phrases_are_fine(tmp_path: Path) -> None:
    save(MatcherNet(), tmp_path, {})
    matcher = TrainedMatcher(tmp_path)
    assert len(matcher.see(picture(), [])) == 0
    assert len(matcher.say([])) == 0


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


def test_a_few_steps_teach_a_few_pairs() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    crop = rng.integers(0, 255, (6, crops.SIDE, crops.SIDE, 3), dtype=np.uint8)
    words = ["save", "print", "undo", "bold", "zoom in", "delete"]
    looks = [Look(c, w, w) for c, w in zip(crop, words, strict=True)]
    net = MatcherNet().train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    pairs = Pairs(["keep it", "on paper"], ["save", "print"], ["save", "print"])
    for _ in range(30):
        loss, _ = loss_of(net, looks, pairs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        best = (net.say(words) @ net.see(crop).T).argmax(dim=1)
    assert best.tolist() == list(range(6))
