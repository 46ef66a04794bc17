"""The patch scorer beside a model with a reading channel: its labels, what it learns, and patches dropped by it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.geometry import Rect, Size
from reticle_grounding.matcher.icons import Recalled
from reticle_grounding.model.channel import SENSE, ReadingChannel, save_channel
from reticle_grounding.model.checkpoint import load_model
from reticle_grounding.model.patch_scorer import FILE, PatchScorer, load_scorer, save_scorer
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.selection import pos_pad
from reticle_grounding.reading import Reading
from reticle_grounding.training.canvas import Element
from reticle_grounding.training.channel_train import Asked
from reticle_grounding.training.crops import CELL
from reticle_grounding.training.prepared import Prepared
from reticle_grounding.training.scorer_train import (
    ScoredScreen,
    ScorerConfig,
    Scoring,
    covered_shares,
    fused_labels,
    graphs_of,
    learn,
    recall,
    shown_patches,
    target_patches,
    train,
    validate,
)

COMMANDS = ("save", "open", "print", "undo", "zoom", "help", "cut", "paste")
SHAPE = (6, 8)


class OneHot:
    """A matcher whose vectors are unit vectors by the word they hold."""

    def see(self, image: np.ndarray, rects: Sequence[Rect]) -> np.ndarray:
        return np.zeros((len(rects), SENSE), np.float32)

    def say(self, phrases: Sequence[str]) -> np.ndarray:
        known = [next((i for i, w in enumerate(COMMANDS) if w in p.casefold()), 9) for p in phrases]
        return np.eye(SENSE, dtype=np.float32)[known].reshape(-1, SENSE)

    ask = say

    def recall(self, image: np.ndarray, rects: Sequence[Rect]) -> None:
        return None

    def named(self, recalled: Recalled, said: np.ndarray) -> np.ndarray:
        raise AssertionError("nothing is known by heart here")

    used = named

    def known(self, read: np.ndarray) -> None:
        return None


@pytest.fixture
def folder(tiny_folder, tmp_path: Path) -> Path:
    out = tmp_path / "model"
    shutil.copytree(tiny_folder("qwen2_5_vl"), out)
    torch.manual_seed(1)
    save_channel(ReadingChannel(load_model(out).hidden_size), out)
    return out


def screen(number: int) -> Prepared:
    """Four words, each on two patches of its own."""
    rng = Random(number)
    places = rng.sample([(row, column) for row in range(SHAPE[0]) for column in range(0, SHAPE[1], 2)], 4)
    words = rng.sample(COMMANDS, 4)
    boxes = [(c * CELL, r * CELL, (c + 2) * CELL, (r + 1) * CELL) for r, c in places]
    elements = [Element("button", box, word, "text") for box, word in zip(boxes, words, strict=True)]
    none = np.zeros((0, SENSE), np.float32)
    read = Reading(tuple(Rect(*map(float, b)) for b in boxes), OneHot().say(words), (), none, (), ())
    torch.manual_seed(number)
    merged = torch.randn(SHAPE[0] * SHAPE[1], 64)
    size = Size(SHAPE[1] * CELL, SHAPE[0] * CELL)
    return Prepared(f"s{number}", "training", size, SHAPE, merged, read, elements, [])


def test_labels_fuse_box_and_graph_as_published() -> None:
    covered = torch.tensor([[0.0, 0.5, 1.0]])
    labels = fused_labels(covered, torch.tensor([0.2, 1.0, 0.4]))
    assert labels[0].tolist() == pytest.approx([-0.8, 1.0, 1.0])


def test_shares_covered_by_a_target() -> None:
    asked = [Asked("x", (CELL / 2, 0.0, 2.0 * CELL, CELL / 4), "text")]
    assert covered_shares(asked, (2, 3))[0].tolist() == pytest.approx([0.125, 0.25, 0, 0, 0, 0])
    assert target_patches(covered_shares(asked, (2, 3)))[0].tolist() == [0, 1, 0, 0, 0, 0]
    assert covered_shares([], (2, 3)).shape == (0, 6)


def test_recall_counts_the_targets_own_patches() -> None:
    scores, covered = torch.tensor([[9.0, 1, 8, 2, 7, 3, 6, 4, 5, 0]]), torch.zeros(1, 10)
    covered[0, :2] = 1
    assert recall(scores, covered, 0.5).tolist() == [0.5]
    assert recall(scores, covered, 0.9).tolist() == [1.0]
    assert recall(torch.zeros(1, 10), covered, 0.1).tolist() == [0.5], "of equal scores the first patches are kept"


def test_a_step_always_sees_the_targets() -> None:
    covered = torch.zeros(2, 2000)
    covered[0, 1999] = covered[1, 3] = 0.1
    shown = shown_patches(Random(0), covered).tolist()
    assert {3, 1999} <= set(shown)
    assert len(set(shown)) == len(shown) < 2000


def test_training_learns_a_few_screens(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = Scoring(folder, OneHot())
    net.scorer = PatchScorer(load_model(folder).hidden_size)  # one that begins with nothing
    even = np.full(SHAPE[0] * SHAPE[1], 0.2, np.float32)
    screens: list[ScoredScreen] = [net.screen(screen(n), even) for n in range(6)]
    before = validate(net, screens)
    learn(net, screens, ScorerConfig(tmp_path / "run", (), (), folder, steps=150, lr=3e-3))
    after = validate(net, screens)
    assert before["scorer"]["0.1"] < 0.5
    assert after["scorer"]["0.1"] > 0.95
    assert after["chance"]["0.1"] < 0.4
    assert after["graph"] == before["graph"]


def test_equal_vectors_agree_before_any_training(folder: Path) -> None:
    torch.manual_seed(0)
    even = np.full(SHAPE[0] * SHAPE[1], 0.2, np.float32)
    net = Scoring(folder, OneHot())
    assert validate(net, [net.screen(screen(n), even) for n in range(3)])["scorer"]["0.3"] > 0.9


def test_the_weights_are_kept_and_wrong_files_are_named(folder: Path) -> None:
    width = load_model(folder).hidden_size
    assert load_scorer(folder, width) is None
    scorer = PatchScorer(width)
    save_scorer(scorer, folder)
    again = load_scorer(folder, width)
    assert again is not None
    assert torch.allclose(again.text_enhancer.mlp[0].weight, scorer.text_enhancer.mlp[0].weight, atol=1e-3)
    with pytest.raises(CheckpointError, match=FILE):
        load_scorer(folder, 2 * width)
    save_file({"other": torch.zeros(1)}, folder / FILE)
    with pytest.raises(CheckpointError, match=FILE):
        PointerModel.open(folder, keep_ratio=0.5)
    (folder / FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match=FILE):
        load_scorer(folder, width)


def test_a_model_without_a_marker_leaves_nothing_behind() -> None:
    ids, kept = torch.tensor([1, 9, 9, 9, 2]), torch.tensor([True, False, True])
    rebuilt = pos_pad(ids, kept, 9, marked=False)
    assert rebuilt.source.tolist() == [0, 1, 3, 4]
    assert not rebuilt.marker.any()


def test_patches_are_dropped_by_the_scorer(folder: Path, small_screen: Image.Image) -> None:
    with pytest.raises(BadInput, match="no patch scorer"):
        PointerModel.open(folder, keep_ratio=0.5)
    torch.manual_seed(2)
    save_scorer(PatchScorer(load_model(folder).hidden_size), folder)
    whole, part = PointerModel.open(folder), PointerModel.open(folder, keep_ratio=0.5)
    read = Reading((Rect(20, 20, 90, 60),), OneHot().say(["save"]), (), np.zeros((0, SENSE), np.float32), (), ())
    all_seen, some_seen = whole.encode(small_screen, read), part.encode(small_screen, read)
    full, kept = (m.attend(s, "save", OneHot().say(["save"])) for m, s in ((whole, all_seen), (part, some_seen)))
    assert (full > 0).all()
    assert 0 < (kept > 0).sum() < kept.size
    assert kept.sum() == pytest.approx(1, abs=1e-5)
    again = part.attend(some_seen, "save", OneHot().say(["save"]))
    np.testing.assert_array_equal(again, kept)
    other = part.attend(some_seen, "save", OneHot().say(["paste"]))
    assert np.abs(other - kept).max() > 0, "the instruction's vector reaches scorer and pointer"


def test_what_cannot_be_trained_on_is_told(folder: Path, tiny_folder, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no reading channel"):
        Scoring(tiny_folder("qwen2_5_vl"), OneHot())
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no screens to train on"):
        train(ScorerConfig(tmp_path / "run", (tmp_path / "empty",), (), folder))
    with pytest.raises(BadInput, match="s1 is in none of"):
        graphs_of([screen(1)], (), PointerModel.open(folder).processor)
