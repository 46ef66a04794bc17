"""Looking at less: what claims to be exact gives what the whole computation gives; what does not keeps its promises."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.vision_utils import get_vision_window_index

from reticle_grounding.errors import BadInput
from reticle_grounding.model.checkpoint import load_checkpoint
from reticle_grounding.model.families import build_model, config_from
from reticle_grounding.model.focusui import FocusUI
from reticle_grounding.model.full_attention import FullLayer, LayerMemory, watched_attention
from reticle_grounding.model.hiprune import every_nth, hiprune, watched_layers
from reticle_grounding.model.partial import PartialActor
from reticle_grounding.model.picture_score import choose_by_picture, edge_shares, picture_scores
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.selection import SelectionRule, shortened
from reticle_grounding.model.towers import AGE, SharingTower, WindowedLayers
from reticle_grounding.model.ui_graph import candidates, components
from reticle_grounding.model.windows import cut, fingerprints, first_alike, flat, merge_blank, windows_of
from reticle_grounding.strategies import STRATEGIES, strategy_named

CELL, SIDE = 28, 2
ROWS, COLUMNS = 6, 10


def tiled(changed: bool = False) -> Image.Image:
    """6 x 10 merged patches, so that nothing is resized: two kinds of drawn windows over and over, and blank ones."""
    rng = np.random.default_rng(3)
    tiles = [rng.integers(0, 256, (CELL * SIDE, CELL * SIDE, 3), np.uint8) for _ in range(2)]
    blank = np.full_like(tiles[0], 240)
    order = [[0, 1, 2, 2, 0], [2, 2, 2, 2, 2], [1, 0, 1, 2, 1]]
    pixels = np.concatenate([np.concatenate([[*tiles, blank][n] for n in row], axis=1) for row in order])
    if changed:
        pixels[60:100, 130:160] = 17
    return Image.fromarray(pixels)


@pytest.fixture
def opened(tiny_folder):
    """``opened(name, keep, full)``: a tiny model with five vision layers, of which ``full`` have no windows."""
    checkpoint = load_checkpoint(tiny_folder("qwen2_5_vl"))
    published = checkpoint.model.config.to_dict()

    def make(name=None, keep=None, full=(2, 4), depth=5):
        config = config_from(published)
        config.vision_config.depth, config.vision_config.fullatt_block_indexes = depth, list(full)
        torch.manual_seed(11)
        model = build_model(config)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.15)
        strategy = None if name is None else strategy_named(name, keep)
        rule = None if keep is None else SelectionRule(keep, gaps=strategy.gaps if strategy else "pospad")
        return PointerModel(replace(checkpoint, model=model.eval()), None, rule, None, strategy)

    return make


@torch.inference_mode()
def merged(model, image):
    return model.runner.view(image, model.processor, {}).sight.merged


def computed(model, layer=0):
    """Collects how many raw patches reach a vision layer."""
    seen = []
    block = model.module.backbone.model.visual.blocks[layer]
    block.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[0]))
    return seen


def same(ours, expected):
    torch.testing.assert_close(ours, expected, atol=2e-5 * float(expected.abs().max()), rtol=0)


@pytest.mark.parametrize("shape", [(6, 10), (5, 7), (1, 9), (3, 2)])
def test_windows_are_those_of_the_tower(shape):
    grid = torch.tensor([[1, 2 * shape[0], 2 * shape[1]]])
    index, bounds = get_vision_window_index(grid, 2, CELL * SIDE, 14)
    ends = [int(b) // 4 for b in bounds]
    published = {tuple(index[a:b].tolist()) for a, b in itertools.pairwise(ends)}
    ours = windows_of(shape, SIDE)
    parts = [tuple(ours.cells[a:b].tolist()) for a, b in zip(ours.bounds, ours.bounds[1:], strict=False)]
    assert set(parts) == published
    assert [len(p) for p in parts] == sorted((len(p) for p in parts), reverse=True)


def test_windows_of_a_choice_hold_that_choice():
    kept = np.zeros(ROWS * COLUMNS, np.bool_)
    kept[[0, 1, 11, 34, 59]] = True
    windows = windows_of((ROWS, COLUMNS), SIDE, kept)
    assert windows.cells.tolist() == [0, 1, 11, 34, 59]
    assert windows.bounds.tolist() == [0, 3, 4, 5]
    assert windows.taken(np.array([0, 2])).cells.tolist() == [0, 1, 11, 59]


def test_only_windows_of_equal_pixels_are_alike():
    pixels = np.array(tiled())
    windows = windows_of((ROWS, COLUMNS), SIDE)
    firsts, owner = first_alike(fingerprints(windows, cut(pixels, CELL), COLUMNS, SIDE))
    assert len(firsts) == 3
    assert np.bincount(owner).tolist() == [3, 4, 8]
    pixels[5, 5, 0] ^= 1
    assert len(first_alike(fingerprints(windows, cut(pixels, CELL), COLUMNS, SIDE))[0]) == 4
    # The same pixels at another place of the window are something else: neighbours stand elsewhere.
    kept = np.zeros(ROWS * COLUMNS, np.bool_)
    kept[[24, 27]] = True
    two = windows_of((ROWS, COLUMNS), SIDE, kept)
    blank = cut(np.array(tiled()), CELL)
    assert (blank[24] == blank[27]).all()
    assert len(first_alike(fingerprints(two, blank, COLUMNS, SIDE))[0]) == 2


@pytest.mark.parametrize("name", [s.name for s in STRATEGIES.values() if s.exact])
@pytest.mark.parametrize("full", [(2, 4), (0, 3), (4,), ()])
def test_exact_ways_give_the_whole_computation(name, full, opened):
    whole, less = opened(full=full), opened(name, full=full)
    for image in (tiled(), tiled(changed=True), tiled(), tiled().crop((0, 0, 260, 120))):
        same(merged(less, image), merged(whole, image))
        maps = [model.attend(model.encode(image), "save") for model in (whole, less)]
        np.testing.assert_allclose(maps[1], maps[0], atol=2e-5 * maps[0].max())


def test_equal_windows_are_computed_once_up_to_the_first_layer_without_windows(opened):
    model = opened("share")
    first, second, third = computed(model), computed(model, 1), computed(model, 2)
    for _ in range(2):
        merged(model, tiled())
    assert first == second == [3 * 16] * 2
    assert third == [ROWS * COLUMNS * 4] * 2


def test_windows_of_the_last_capture_are_not_computed_again(opened):
    model = opened("reuse")
    first, third = computed(model), computed(model, 2)
    for image in (tiled(), tiled(changed=True), tiled(changed=True), tiled()):
        merged(model, image)
    # One window changed; the same capture twice computes nothing at all; and going back, the blank window that had been
    # painted over is still known from the others.
    assert first == [3 * 16, 16]
    assert third == [ROWS * COLUMNS * 4] * 3


def test_captures_are_remembered_for_two_sizes_only(opened):
    tower = SharingTower(WindowedLayers(opened().module), remember=True)
    model = opened()
    model.runner.tower = tower
    for height in (56, 84, 112):
        merged(model, tiled().crop((0, 0, 112, height)))
    assert list(tower._last) == [(3, 4), (4, 4)]


def test_unchanged_windows_keep_their_states_and_changed_ones_see_everything(opened):
    """With one layer without windows, what changed is exact, since that layer's inputs are."""
    whole, less = opened(full=(1,), depth=3), opened("reuse-states", full=(1,), depth=3)
    old, new = merged(whole, tiled()), merged(whole, tiled(changed=True))
    same(merged(less, tiled()), old)
    rows = computed(less, 2)
    seen = merged(less, tiled(changed=True))
    before, after = (cut(np.array(tiled(changed=c)), CELL) for c in (False, True))
    across = COLUMNS // SIDE
    owner = np.arange(ROWS)[:, None] // SIDE * across + np.arange(COLUMNS) // SIDE
    changed = np.isin(owner.ravel(), owner.ravel()[(before != after).any(1)])
    assert 0 < changed.sum() < changed.size
    same(seen[changed], new[changed])
    same(seen[~changed], old[~changed])
    assert rows == [int(changed.sum()) * 4]
    assert (old[~changed] - new[~changed]).abs().max() > 1e-4, "or the test could not tell old states from new ones"


def test_states_are_computed_anew_after_large_changes_and_after_a_while(opened):
    whole, less = opened(), opened("reuse-states")
    merged(less, tiled())
    other = Image.fromarray(255 - np.array(tiled()))
    same(merged(less, other), merged(whole, other))
    last = computed(less, 3)
    for turn in range(AGE + 1):
        merged(less, Image.fromarray(255 - np.array(tiled(changed=turn % 2 == 0))))
    assert [count == ROWS * COLUMNS * 4 for count in last] == [False] * AGE + [True]


def test_a_returned_sight_is_not_changed_by_the_next_capture(opened):
    for name in ("reuse", "reuse-states"):
        model = opened(name)
        first = merged(model, tiled())
        kept = first.clone()
        merged(model, tiled(changed=True))
        assert torch.equal(first, kept)


def test_blank_windows_become_their_middle_patch():
    cells = cut(np.array(tiled()), CELL)
    found = merge_blank(windows_of((ROWS, COLUMNS), SIDE), cells)
    assert flat(cells).sum() == 8 * 4
    assert found.kept.sum() == 7 * 4 + 8
    assert found.counts.sum() == ROWS * COLUMNS
    assert set(found.counts.tolist()) == {0, 1, 4}
    assert found.kept[found.stands_for].all()


def test_merging_is_exact_where_nothing_is_blank_or_all_layers_have_windows(opened):
    drawn = Image.fromarray(np.random.default_rng(0).integers(0, 256, (168, 280, 3), np.uint8))
    same(merged(opened("merge"), drawn), merged(opened(), drawn))
    same(merged(opened("merge", full=()), tiled()), merged(opened(full=()), tiled()))
    model = opened("merge")
    rows = computed(model, 3)
    merged(model, tiled())
    assert rows == [(7 * 4 + 8) * 4]


@torch.inference_mode()
def test_a_key_that_stands_for_several_counts_as_often(opened):
    layers = WindowedLayers(opened().module)
    block = layers.tower.blocks[2]
    states, counts = torch.randn(6, 32), torch.tensor([1.0, 3.0, 1.0, 2.0, 1.0, 4.0])
    angles = torch.randn(6, 8).repeat(1, 2)
    rope = (angles.cos(), angles.sin())
    repeats = counts.long()
    many, _ = FullLayer()(
        block, states.repeat_interleave(repeats, 0), tuple(r.repeat_interleave(repeats, 0) for r in rope)
    )
    few, _ = FullLayer(log_counts=counts.log())(block, states, rope)
    same(few, many[repeats.cumsum(0) - 1])


@torch.inference_mode()
def test_our_full_layer_is_the_towers_own(opened):
    layers = WindowedLayers(opened().module)
    block = layers.tower.blocks[2]
    states, angles = torch.randn(700, 32), torch.randn(700, 8).repeat(1, 2)
    rope, ends = (angles.cos(), angles.sin()), torch.tensor([0, 700], dtype=torch.int32)
    expected = block(states, cu_seqlens=ends, position_embeddings=rope)
    memory = LayerMemory(torch.empty(2, 700, 16), torch.empty(2, 700, 16))
    order = torch.randperm(700)
    for way in (FullLayer(), FullLayer(watch=True), FullLayer(memory=memory, tokens=order)):
        ours, received = way(block, states, rope)
        same(ours, expected)
        assert (received is None) == (not way.watch)


def test_received_attention_is_the_mean_of_the_columns():
    q, k, v = torch.randn(3, 2, 600, 8)
    shares = torch.softmax(q @ k.transpose(1, 2) * 0.3, dim=-1)
    out, received = watched_attention(q, k, v, 0.3)
    torch.testing.assert_close(out, shares @ v, atol=1e-5, rtol=0)
    torch.testing.assert_close(received, shares.mean((0, 1)), atol=1e-6, rtol=0)
    assert float(received.sum()) == pytest.approx(1, abs=1e-4)


def test_hiprune_keeps_anchors_their_neighbours_and_registers():
    assert watched_layers([7, 15, 23, 31]) == (15, 31)
    assert watched_layers([1, 3]) == (1, 3)
    middle, last = torch.zeros(6, 10), torch.zeros(6, 10)
    middle[2, 4], middle[5, 9] = 9, 8
    last[0] = torch.arange(10, 0, -1)
    received = torch.stack([middle.flatten(), last.flatten()])
    kept = hiprune(received, (6, 10), 10).view(6, 10)
    assert kept.sum() == 10
    assert kept[2, 4]
    assert all(kept[r, c] for r, c in ((1, 4), (3, 4), (2, 3), (2, 5)))
    assert kept[0, :5].all()
    assert not kept[5, 9]
    assert hiprune(received, (6, 10), 1).nonzero().flatten().tolist() == [24]
    assert hiprune(received, (6, 10), 60).all()


@pytest.mark.parametrize("count", [1, 7, 30, 59, 60])
def test_every_nth_keeps_so_many(count):
    kept = every_nth(60, count)
    gaps = kept.nonzero().flatten().diff()
    assert kept.sum() == count
    assert count == 1 or gaps.max() - gaps.min() <= 1


def test_details_outrank_blank_areas(small_screen):
    pixels = np.asarray(small_screen.resize((280, 168)))
    scores, edges = picture_scores(pixels, CELL), edge_shares(pixels, CELL)
    labels = components(pixels, CELL)
    background = labels == np.bincount(labels.ravel()).argmax()
    assert scores.shape == (6, 10)
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert scores[background].max() < scores[~background].min()
    assert edges[0, 9] == 0
    assert edges.max() > 0.05
    kept = choose_by_picture(pixels, CELL, SelectionRule(0.2)).view(6, 10)
    numbered = candidates(labels)
    assert kept.sum() == max(12, numbered.max())
    assert set(numbered[kept.numpy()]) >= set(range(1, numbered.max() + 1)), "every candidate keeps a patch"


@pytest.mark.parametrize("name", [s.name for s in STRATEGIES.values() if s.drops and s.ranking != "instruction"])
def test_dropping_ways_point_on_what_is_left(name, opened, small_screen):
    model, plain = opened(name, 0.3), opened()
    screen = model.encode(small_screen)
    attention = model.attend(screen, "save")
    assert isinstance(model.method, PartialActor)
    assert attention.shape == screen.map_shape
    assert attention.sum() == pytest.approx(1, abs=1e-5)
    assert ((attention > 0) == screen.kept.view(screen.map_shape).numpy()).all()
    assert 0.25 * attention.size < screen.kept.sum() < 0.5 * attention.size
    np.testing.assert_allclose(model.attend_fresh(small_screen, "save"), attention, atol=1e-4 * attention.max())
    np.testing.assert_array_equal(model.attend(screen, "save"), attention)
    assert screen.prefix_length < plain.encode(small_screen).prefix_length
    assert model.judge(small_screen, "save") == plain.judge(small_screen, "save"), "judging sees all of its crop"
    everything = opened(name, 1.0)
    expected = plain.attend(plain.encode(small_screen), "save")
    ours = everything.attend(everything.encode(small_screen), "save")
    np.testing.assert_allclose(ours, expected, atol=2e-5 * expected.max())


def test_dropping_before_the_tower_keeps_the_dropped_out_of_it(opened, small_screen):
    model = opened("before", 0.3)
    rows = computed(model, 2)
    screen = model.encode(small_screen)
    assert rows == [4 * int(screen.kept.sum())]


def test_gaps_decide_markers_and_positions():
    ids = torch.tensor([[7, 8, *[1] * 6, 9]])
    positions = torch.arange(9).expand(3, 1, 9) * 10
    kept = torch.tensor([True, False, False, True, False, True])
    found = {gaps: shortened(ids, positions, kept, 1, gaps) for gaps in ("pospad", "direct", "renumbered")}
    assert found["pospad"].positions[0, 0].tolist() == [0, 10, 20, 40, 50, 60, 70, 80]
    assert found["pospad"].marker.tolist() == [False, False, False, True, False, True, False, False]
    assert found["direct"].positions[0, 0].tolist() == [0, 10, 20, 50, 70, 80]
    assert found["renumbered"].positions[0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert not found["direct"].marker.any()
    assert not found["renumbered"].marker.any()
    assert [found[g].following for g in found] == [81, 81, 6]


@pytest.mark.parametrize("family", ["focusui:qwen2_5_vl", "focusui:qwen3_vl"])
def test_focusui_chooses_by_the_words_with_and_without_markers(family, tiny_folder, small_screen):
    maps = {}
    for name in ("instruction", "instruction-direct", "instruction-renumbered"):
        model = PointerModel.open(tiny_folder(family), keep_ratio=0.3, select=name)
        assert isinstance(model.method, FocusUI)
        maps[name] = model.attend(model.encode(small_screen), "save")
        np.testing.assert_allclose(model.attend_fresh(small_screen, "save"), maps[name], atol=1e-4)
    published = PointerModel.open(tiny_folder(family), keep_ratio=0.3)
    np.testing.assert_array_equal(published.attend(published.encode(small_screen), "save"), maps["instruction"])
    assert ((maps["instruction"] > 0) == (maps["instruction-direct"] > 0)).all(), "the same patches are kept"
    assert len({m.tobytes() for m in maps.values()}) == 3
    graph = PointerModel.open(tiny_folder(family), keep_ratio=0.3, select="graph-pospad")
    assert torch.equal(graph.method.marker(), graph.module.embed(torch.tensor([[graph.module.marker_id]]))[0, 0])
    assert graph.attend(graph.encode(small_screen), "save").sum() == pytest.approx(1, abs=1e-5)


def test_what_a_model_cannot_follow_is_said(tiny_folder, small_screen):
    def refused(said, family, **how):
        with pytest.raises(BadInput, match=said):
            PointerModel.open(tiny_folder(family), **how)

    refused("no selection 'sharp'; known: whole, share", "qwen2_5_vl", select="sharp")
    refused("'before' drops patches; say how many", "qwen2_5_vl", select="before")
    refused("'share' drops nothing, so a keep ratio of 0.5", "qwen2_5_vl", select="share", keep_ratio=0.5)
    refused("keep ratio is 1.5", "qwen2_5_vl", select="graph", keep_ratio=1.5)
    refused("'merge' needs a vision tower with windows; that of tiny-qwen2_vl", "qwen2_vl", select="merge")
    refused("'hiprune' needs a vision tower with windows", "focusui:qwen3_vl", select="hiprune", keep_ratio=0.5)
    refused("needs a pointer head", "gui_aima:qwen2_5_vl", select="graph", keep_ratio=0.5)
    refused("no patch scorer", "qwen2_5_vl", select="instruction", keep_ratio=0.5)
    graph = PointerModel.open(tiny_folder("qwen2_vl"), select="graph", keep_ratio=0.5)
    assert (graph.attend(graph.encode(small_screen), "save") > 0).mean() < 0.7
    aima = [PointerModel.open(tiny_folder("gui_aima:qwen2_5_vl"), select=s) for s in ("whole", "share")]
    maps = [model.attend(model.encode(small_screen), "save") for model in aima]
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-4 * maps[0].max())
