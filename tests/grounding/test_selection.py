"""What is kept of a picture, what stands for the rest, and that a model sees exactly that."""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file
from scipy import ndimage

from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.model.checkpoint import load_checkpoint, load_model
from reticle_grounding.model.focusui import FocusUI
from reticle_grounding.model.patch_scorer import PatchScorer, scorer_loss
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.selection import SelectionRule, choose, pos_pad
from reticle_grounding.model.ui_graph import candidates, components, graph_weights
from reticle_grounding.training.screens import generate_screen

FOCUS = ("focusui:qwen2_5_vl", "focusui:qwen3_vl")
IMAGE, MARKER = 1, 2
IDS = torch.tensor([7, 8, 9, *[IMAGE] * 12, 10, 11, 12])
SCORES = torch.tensor([0.9, 0.1, 0.2, 0.8, 0.3, 0.4, 0.7, 0.05, 0.15, 0.6, 0.25, 0.35])


@pytest.fixture(scope="module", params=FOCUS)
def family(request) -> str:
    return request.param


@pytest.mark.parametrize("keep", [0, -0.1, 1.0001, 30, float("nan"), float("inf")])
def test_keep_ratios_outside_their_range_are_refused(keep):
    with pytest.raises(BadInput, match="keep ratio"):
        SelectionRule(keep)


@pytest.mark.parametrize(
    ("patches", "keep", "count"),
    [(5000, 0.1, 500), (5000, 0.2, 1000), (10, 0.1, 1), (7, 0.05, 1), (30, 0.3, 9), (20, 1, 20)],
)
def test_the_share_is_exact_and_never_nothing(patches, keep, count):
    assert SelectionRule(keep).count(patches) == count


def test_markers_take_the_place_of_the_last_patch_of_a_run():
    """Three rows of four patches; a run goes on over the end of a row."""
    row, column = np.divmod(np.arange(12), 4)
    time = [0, 1, 2, *[3] * 12, 7, 8, 9]
    positions = torch.tensor([time, [0, 1, 2, *(3 + row), 7, 8, 9], [0, 1, 2, *(3 + column), 7, 8, 9]])
    kept = choose(SCORES, SelectionRule(0.5), IDS)
    assert kept.nonzero().flatten().tolist() == [0, 3, 5, 6, 9, 11]
    rebuilt = pos_pad(IDS, kept, IMAGE)
    i, m = IMAGE, MARKER
    assert rebuilt.ids(IDS, MARKER).tolist() == [7, 8, 9, i, m, i, m, i, i, m, i, m, i, 10, 11, 12]
    assert rebuilt.positions(positions).tolist() == [
        [0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 7, 8, 9],
        [0, 1, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 5, 7, 8, 9],
        [0, 1, 2, 3, 5, 6, 3, 4, 5, 3, 4, 5, 6, 7, 8, 9],
    ]
    few = pos_pad(IDS, choose(SCORES, SelectionRule(0.3), IDS), IMAGE)
    assert int((few.ids(IDS, MARKER) == IMAGE).sum()) == 3


def test_of_equal_scores_the_first_patches_are_kept():
    assert choose(torch.zeros(12), SelectionRule(0.25), IDS).nonzero().flatten().tolist() == [0, 1, 2]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 0.3, 0.5, 0.9]), st.integers(1, 40))
def test_every_candidate_keeps_its_best_patch(seed, keep, groups):
    random = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 6, (80,), generator=random).float()
    owner = torch.randint(0, groups + 1, (80,), generator=random)
    rule = SelectionRule(keep)
    kept = choose(scores, rule, IDS, owner)
    present = set(owner.tolist()) - {0}
    assert int(kept.sum()) == max(rule.count(80), len(present))
    for group in present:
        mine = owner == group
        assert scores[mine & kept].max() == scores[mine].max()
    unprotected = choose(scores, rule, IDS)
    if present <= set(owner[unprotected].tolist()):
        assert float(scores[kept].sum()) == pytest.approx(float(scores[unprotected].sum()))


def slow_components(pixels: np.ndarray, cell: int, same: float) -> np.ndarray:
    """One pair after the other, in floating point."""
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    joints = np.zeros((2 * rows - 1, 2 * columns - 1), bool)
    joints[::2, ::2] = True
    patches = pixels.reshape(rows, cell, columns, cell, 3).transpose(0, 2, 1, 3, 4) / 255
    for row in range(rows):
        for column in range(columns):
            for down, right in ((0, 1), (1, 0)):
                if row + down < rows and column + right < columns:
                    gap = patches[row, column] - patches[row + down, column + right]
                    joints[2 * row + down, 2 * column + right] = np.sqrt(2 * (gap**2).sum()) < same
    return ndimage.label(joints)[0][::2, ::2]


@pytest.mark.parametrize("cell", [28, 32])
@pytest.mark.parametrize("shape", [(6, 9), (1, 5), (4, 1), (1, 1)])
@pytest.mark.parametrize("same", [0.5, 2.0, 6.0])
def test_the_graph_equals_one_made_pair_by_pair(cell, shape, same):
    random = np.random.default_rng(cell * shape[0] + int(10 * same))
    base = random.choice(np.array([0, 250, 252, 255], np.uint8), shape)
    pixels = np.repeat(np.repeat(base, cell, 0), cell, 1)[..., None].repeat(3, -1).copy()
    noisy = random.integers(0, 4, pixels.shape, np.uint8) * (random.random(pixels.shape) < 0.3)
    pixels -= np.minimum(noisy, pixels).astype(np.uint8)
    pixels[: cell // 2, : cell // 3] ^= 255
    ours, slow = components(pixels, cell, same), slow_components(pixels, cell, same)
    assert ours.shape == shape
    pairs = set(zip(ours.ravel().tolist(), slow.ravel().tolist(), strict=True))
    assert len(pairs) == len(set(ours.ravel().tolist())) == len(set(slow.ravel().tolist()))


def test_the_graph_is_much_faster_than_pair_by_pair():
    """On a screen of 1280x800 pixels; processor time, so that other programs do not count."""
    screen = np.asarray(generate_screen(1, size=(1280, 800)).image.resize((1288, 812)))

    def least(work, times):
        spent = []
        for _ in range(times):
            start = time.process_time()
            work()
            spent.append(time.process_time() - start)
        return min(spent)

    assert least(lambda: slow_components(screen, 28, 2.0), 2) > 10 * least(lambda: components(screen, 28), 8)


def test_candidates_are_joined_detail_and_background_is_none():
    pixels = np.full((28 * 8, 28 * 10, 3), 255, np.uint8)
    pixels[28:56, 28:112:3] = 0  # letters over three patches
    pixels[150:160, 200:210] = 90  # an icon inside one
    found = candidates(components(pixels, 28))
    assert found.max() == 2
    assert set(zip(*np.nonzero(found == 1), strict=True)) == {(1, 1), (1, 2), (1, 3)}
    assert set(zip(*np.nonzero(found == 2), strict=True)) == {(5, 7)}
    assert graph_weights(components(pixels, 28))[0, 0] < 0.3


def test_a_model_keeps_the_share_it_is_told(family, tiny_folder, small_screen):
    model = PointerModel.open(tiny_folder(family), keep_ratio=0.3)
    assert isinstance(model.method, FocusUI)
    screen = model.encode(small_screen)
    attention = model.attend(screen, "save")
    assert attention.shape == screen.map_shape
    assert attention.sum() == pytest.approx(1, abs=1e-5)
    kept = int((attention > 0).sum())
    numbered = screen.candidates.reshape(-1)
    assert kept == max(int(0.3 * attention.size), int(numbered.max()))
    alive = torch.from_numpy(attention).flatten() > 0
    assert set(numbered[alive].tolist()) >= set(range(1, int(numbered.max()) + 1)), "every candidate is still there"
    np.testing.assert_allclose(model.attend_fresh(small_screen, "save"), attention, atol=1e-4)
    assert np.abs(model.attend(screen, "open") - attention).max() > 1e-4
    np.testing.assert_array_equal(model.attend(screen, "save"), attention)


def test_keeping_all_is_the_plain_pointer(family, tiny_folder, small_screen):
    whole = PointerModel.open(tiny_folder(family))
    for model in (whole, PointerModel.open(tiny_folder(family), keep_ratio=1)):
        attention = model.attend(model.encode(small_screen), "save")
        np.testing.assert_allclose(attention, whole.attend_fresh(small_screen, "save"), atol=1e-5)
        assert (attention > 0).all()


@torch.inference_mode()
def test_the_pointer_stands_where_it_stood_whatever_is_dropped(family, tiny_folder, small_screen):
    model = PointerModel.open(tiny_folder(family))
    view = model.runner.view(small_screen, model.processor, {})
    count = view.sight.merged.shape[0]
    ids = model.runner.ids(model.runner.opening(count) + model.runner.question("save"))
    ends = set()
    for keep in (0.1, 0.5, 1.0):
        chosen = FocusUI(model.runner, SelectionRule(keep)).select(ids, view.grid, torch.rand(count))
        ends.add(tuple(chosen.positions[:, 0, -1].tolist()))
        assert int((chosen.ids == model.module.image_token_id).sum()) == int(chosen.kept.sum())
    assert len(ends) == 1


@pytest.mark.parametrize("plain", ["qwen2_vl", "qwen2_5_vl", "gui_aima:qwen2_5_vl"])
def test_models_without_a_scorer_cannot_drop_patches(plain, tiny_folder):
    PointerModel.open(tiny_folder(plain), keep_ratio=1)
    with pytest.raises(BadInput, match="no patch scorer"):
        PointerModel.open(tiny_folder(plain), keep_ratio=0.5)
    with pytest.raises(BadInput, match="keep ratio is 0"):
        PointerModel.open(tiny_folder(plain), keep_ratio=0)


def test_new_models_pass_on_all_levels_and_published_ones_the_first(tiny_folder, tiny_model, small_screen, tmp_path):
    assert tiny_model("focusui:qwen3_vl").levels_under_selection is None
    folder = Path(shutil.copytree(tiny_folder("focusui:qwen3_vl"), tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["FocusUI_Qwen3VLForConditionalGenerationWithPointer"]
    assert config["deepstack_under_selection"] == "all"
    new = PointerModel.open(folder, keep_ratio=0.3)
    assert new.module.levels_under_selection is None
    del config["deepstack_under_selection"]
    (folder / "config.json").write_text(json.dumps(config))
    old = PointerModel.open(folder, keep_ratio=0.3)
    assert old.module.levels_under_selection == 1
    maps = [model.attend(model.encode(small_screen), "save") for model in (new, old)]
    assert ((maps[0] > 0) == (maps[1] > 0)).all(), "the same patches are kept"
    assert np.abs(maps[0] - maps[1]).max() > 1e-5
    (folder / "config.json").write_text(json.dumps(config | {"deepstack_under_selection": "some"}))
    with pytest.raises(CheckpointError, match="deepstack_under_selection 'some'"):
        PointerModel.open(folder)


def test_saved_models_of_every_family_open_again(tiny_folder, tiny_model):
    for name in (*FOCUS, "gui_aima:qwen2_5_vl"):
        ours, loaded = tiny_model(name).state_dict(), load_model(tiny_folder(name)).state_dict()
        assert ours.keys() == loaded.keys()
        assert all(torch.equal(ours[key], loaded[key]) for key in ours)
    names = set(load_file(tiny_folder("focusui:qwen3_vl") / "model.safetensors"))
    assert {"model.language_model.norm.weight", "model.visual.pos_embed.weight"} < names
    assert "patch_scorer.text_enhancer.mlp.2.bias" in names


def test_checkpoints_of_another_family_are_refused(tiny_folder, tmp_path):
    folder = Path(shutil.copytree(tiny_folder("focusui:qwen2_5_vl"), tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())

    def refused(said: str, **changes: object) -> None:
        changed = {key: value for key, value in (config | changes).items() if value is not None}
        (folder / "config.json").write_text(json.dumps(changed))
        with pytest.raises(CheckpointError, match=said):
            load_checkpoint(folder)

    refused("architectures 'LlavaForCausalLM'", architectures=["LlavaForCausalLM"])
    refused("lacks image_drop_end_token_id", image_drop_end_token_id=None)
    refused("the token for dropped patches is 5", image_drop_end_token_id=5)
    refused(
        r"does not have: patch_scorer\.",
        architectures=["Qwen2_5_VLForConditionalGenerationWithPointer"],
        image_drop_end_token_id=None,
    )
    (folder / "config.json").write_text(json.dumps(config))
    tensors = load_file(folder / "model.safetensors")
    del tensors["patch_scorer.text_enhancer.attn.in_proj_bias"]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"lacks patch_scorer\.text_enhancer\.attn\.in_proj_bias"):
        load_checkpoint(folder)


def test_the_scorer_learns_which_patches_matter():
    torch.manual_seed(0)
    scorer = PatchScorer(16)
    visual, words, labels = torch.randn(12, 16), torch.randn(3, 16), -torch.ones(12)
    labels[4] = 1
    optimiser = torch.optim.Adam(scorer.parameters(), lr=3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = scorer_loss(scorer(visual, words), labels)
        loss.backward()
        optimiser.step()
    assert int(scorer.eval()(visual, words).argmax()) == 4


def test_screens_of_one_colour_are_handled(family, tiny_folder):
    model = PointerModel.open(tiny_folder(family), keep_ratio=0.2)
    attention = model.attend(model.encode(Image.new("RGB", (300, 200), "white")), "save")
    assert (attention > 0).sum() == max(1, int(0.2 * attention.size))
