"""One cache over screenshots and words: equal to computing anew, within its budget, the same after loading."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Space
from reticle_grounding.model.compaction import unchanged_patches
from reticle_grounding.model.head_patterns import HeadPattern, HeadPatterns
from reticle_grounding.model.history import History
from reticle_grounding.model.history_files import ABOUT, TENSORS, load_history, save_history
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.screens import EncodedScreen

SIZE = (168, 112)
"""24 patches."""
WORDS = ("save the file", "open it", "the orange circle")


def shown(number: int) -> Image.Image:
    """A window in which a bar in the upper left moves on with each screenshot, and nothing else changes."""
    image = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((90, 60, 150, 105), fill="orange")
    pen.rectangle((2, 2, 10 + 9 * (number % 5), 20), fill="navy")
    return image


@pytest.fixture(params=["qwen2_vl", "qwen2_5_vl"])
def model(request, tiny_folder) -> PointerModel:
    return PointerModel.open(tiny_folder(request.param))


@pytest.fixture
def one(tiny_folder) -> PointerModel:
    return PointerModel.open(tiny_folder("qwen2_5_vl"))


def full_density(model: PointerModel) -> HeadPatterns:
    pattern = HeadPattern("a_shape", (0, 100_000))
    return HeadPatterns("tiny", model.language_fingerprint, ((pattern,) * 4,) * 3)


def recomputed(model: PointerModel, images, words, mask=None):
    """States and keys of the whole prompt in one forward; the last screenshot has no answer."""
    runner, module = model.runner, model.module
    views = [runner.view(image, model.processor, {}) for image in images]
    ids: list[int] = []
    for number, view in enumerate(views):
        count = view.sight.merged.shape[0]
        if number == 0:
            ids += runner.opening(count)
            continue
        ids += runner.question(words[number - 1]) + runner.tokenizer.markup(runner.profile.answer_end)
        ids += runner.tokenizer.before("<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|>", count)
    whole = runner.ids(ids)
    visual, grid = torch.cat([v.sight.merged for v in views]), torch.cat([v.grid for v in views])
    cache = runner.empty()
    with torch.inference_mode():
        positions = module.positions(whole, grid)
        module.decode(module.embed(whole, visual), positions, attention_mask=mask, cache=cache)
    return cache, whole, int(positions.max()) + 1


def run(history: History, images, words=WORDS) -> None:
    for number, image in enumerate(images):
        history.see(image)
        if number < len(images) - 1:
            history.settle(words[number])


@pytest.mark.parametrize("mode", ["dense", "sparse"])
def test_a_history_equals_the_whole_prompt_computed_anew(model, mode):
    images = [shown(n) for n in range(3)]
    expected, ids, following = recomputed(model, images, WORDS)
    session = model.use_prefill(mode, full_density(model))
    history = History(model)
    run(history, images)
    assert history.length == ids.shape[1]
    assert history.next_position == following
    assert history.bytes == sum(2 * layer.keys.numel() * 4 for layer in history.cache.layers)
    assert session.taken[mode] == 5 * 2, (
        "three screenshots and two answers; the last layer is computed for pointers alone"
    )
    for ours, theirs in zip(history.cache.layers, expected.layers, strict=True):
        torch.testing.assert_close(ours.keys, theirs.keys, atol=1e-4, rtol=0)
        torch.testing.assert_close(ours.values, theirs.values, atol=1e-4, rtol=0)
    screen = history.screen
    fresh = type(screen)(screen.transform, screen.map_shape, expected, ids.shape[1], following, keys=screen.keys)
    np.testing.assert_allclose(history.ask("save"), model.attend(fresh, "save"), atol=1e-4)


def test_the_past_matters_and_asking_leaves_no_trace(one):
    history = History(one)
    history.see(shown(0))
    alone = history.ask("save")
    np.testing.assert_allclose(alone, one.attend(one.encode(shown(0)), "save"), atol=1e-5)
    keys = history.cache.layers[0].keys.clone()
    history.ask("a longer question that is taken back")
    assert torch.equal(history.cache.layers[0].keys, keys)
    np.testing.assert_array_equal(history.ask("save"), alone)
    np.testing.assert_allclose(history.settle("save"), alone, atol=1e-5)
    history.see(shown(0))
    assert np.abs(history.ask("save") - alone).max() > 1e-4
    corner = history.screen.transform.point(Point(6, 4), Space.PATCH, Space.CAPTURE)
    assert (corner.x, corner.y) == pytest.approx(SIZE)
    assert isinstance(history.screen, EncodedScreen)


def test_questions_out_of_turn_are_refused(one):
    history = History(one)
    with pytest.raises(BadInput, match="no screenshot yet"):
        history.ask("save")
    history.see(shown(0))
    with pytest.raises(BadInput, match="empty"):
        history.settle(" ")
    history.settle("save")
    with pytest.raises(BadInput, match="answered"):
        history.settle("again")


def test_patches_count_as_unchanged_by_their_pixels():
    before, after = (np.asarray(shown(n)) for n in (0, 1))
    same = unchanged_patches(before, after, (4, 6)).view(4, 6)
    assert not same[0, 0]
    assert same[1:].all()
    assert not unchanged_patches(None, after, (4, 6)).any()
    assert not unchanged_patches(before[:56], after, (4, 6)).any()


def test_what_is_left_after_compaction_equals_a_masked_computation(one):
    """The last screenshot, prefilled after older patches were dropped, against one forward that hides them from it."""
    images = [shown(n) for n in range(3)]
    history = History(one)
    run(history, images[:2])
    history.settle(WORDS[1])
    length = history.length
    visual = history.tokens.visual.nonzero().squeeze(1)
    dropped = history.compact()
    assert 0 < dropped < 24, "what is unchanged of the first screenshot; the second is the newest"
    kept = history.shots[0].kept
    assert (kept, history.shots[1].kept) == (24 - dropped, 24)
    history.see(images[2])

    changed = ~unchanged_patches(*(np.asarray(i) for i in images[:2]), (4, 6))
    gone = visual[:24][~changed]
    total = length + (history.length - (length - dropped))
    mask = torch.ones(total, total, dtype=torch.bool).tril()
    mask[length:, gone] = False
    expected, ids, following = recomputed(one, images, WORDS, mask[None, None])
    assert ids.shape[1] == total
    left = torch.ones(total, dtype=torch.bool)
    left[gone] = False
    for ours, theirs in zip(history.cache.layers, expected.layers, strict=True):
        torch.testing.assert_close(ours.keys, theirs.keys[:, :, left], atol=1e-4, rtol=0)
        torch.testing.assert_close(ours.values, theirs.values[:, :, left], atol=1e-4, rtol=0)
    assert history.next_position == following, "positions are those of the whole prompt"
    patch = history.tokens.patch()[history.tokens.step == 0]
    assert torch.equal(patch[patch >= 0], changed.nonzero().squeeze(1))


@pytest.mark.parametrize("mode", ["dense", "sparse"])
def test_the_budget_holds_and_the_newest_screenshot_stays_whole(one, mode):
    pattern = HeadPattern("same_patch", (1, 0, 8, 16, 2))
    one.use_prefill(mode, HeadPatterns("tiny", one.language_fingerprint, ((pattern,) * 4,) * 3))
    free = History(one)
    free.see(shown(0))
    free.settle(WORDS[0])
    free.see(shown(1))
    budget = free.bytes + 40 * free.token_bytes
    history = History(one, budget)
    for number in range(9):
        shot = history.see(shown(number))
        assert history.bytes <= budget
        assert shot.kept == 24
        assert np.isfinite(history.ask("save")).all()
        history.settle("save")
        assert history.bytes <= budget
        assert len(history.tokens) == history.length == history.stale.numel()
    assert history.tokens.frames[-1] == 8
    assert history.tokens.step[0] == -1, "the system turn is always there"
    assert history.shots[0].kept == 0
    small = History(one, 30 * free.token_bytes)
    with pytest.raises(BadInput, match=r"budget of \d+ bytes holds 30 tokens .* allow at least \d+"):
        small.see(shown(0))
    assert small.length == 0
    with pytest.raises(BadInput, match="must be positive"):
        History(one, 0)


def test_screenshots_of_other_sizes_drop_nothing(one):
    history = History(one)
    history.see(shown(0))
    history.see(shown(0).resize((84, 84)))
    assert history.compact() == 0
    assert history.ask("save").shape == (3, 3)


def test_a_fork_goes_its_own_way(one):
    history = History(one)
    history.see(shown(0))
    before = history.ask("save")
    other = history.fork()
    assert other.cache.layers[0].keys.data_ptr() == history.cache.layers[0].keys.data_ptr(), "shared"
    other.settle("save")
    other.see(shown(1))
    np.testing.assert_array_equal(history.ask("save"), before)
    history.settle("save")
    history.see(shown(1))
    np.testing.assert_allclose(history.ask("open"), other.ask("open"), atol=1e-6)


def test_a_failure_half_way_adds_nothing(one):
    history = History(one)
    history.see(shown(0))
    before = history.ask("save")
    layers = one.module.backbone.model.language_model.layers

    def fail(*_: object) -> None:
        raise RuntimeError("interrupted")

    hook = layers[1].register_forward_pre_hook(fail)
    for step in (lambda: history.settle("save"), lambda: history.see(shown(1))):
        with pytest.raises(RuntimeError, match="interrupted"):
            step()
    hook.remove()
    assert {layer.get_seq_length() for layer in history.cache.layers} == {history.length}
    assert (len(history.shots), history.answered) == (1, False)
    np.testing.assert_array_equal(history.ask("save"), before)


def test_a_loaded_history_goes_on_as_if_it_had_never_stopped(one, tiny_folder, tmp_path):
    history = History(one)
    run(history, [shown(n) for n in range(2)])
    assert save_history(history, tmp_path) == tmp_path / ABOUT
    again = load_history(PointerModel.open(tiny_folder("qwen2_5_vl")), tmp_path, budget=10**7)
    for mine, theirs in zip(again.cache.layers, history.cache.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
        assert torch.equal(mine.values, theirs.values)
    # MKL rounds by where numbers lie in memory: with MKL_CBWR=COMPATIBLE these are equal to the bit, too
    np.testing.assert_allclose(again.ask("save"), history.ask("save"), atol=1e-6)
    assert again.shots == [s.__class__(s.number, s.shape, s.kept, round(s.milliseconds, 1)) for s in history.shots]
    assert again.screen.transform == history.screen.transform
    for each in (again, history):
        each.settle("save")
        each.see(shown(2))
        each.compact()
    assert again.length == history.length
    np.testing.assert_allclose(again.ask("open"), history.ask("open"), atol=1e-6)


def test_files_of_another_model_or_broken_ones_are_refused(one, tiny_folder, tmp_path):
    with pytest.raises(BadInput, match="nothing to save"):
        save_history(History(one), tmp_path)
    with pytest.raises(BadInput, match="cannot read"):
        load_history(one, tmp_path)
    history = History(one)
    history.see(shown(0))
    with pytest.raises(BadInput, match="cannot write"):
        save_history(history, tmp_path / "none")
    save_history(history, tmp_path)
    with pytest.raises(BadInput, match=r"was made with tiny-qwen2_5_vl \(\w+\), this is tiny-qwen2_vl"):
        load_history(PointerModel.open(tiny_folder("qwen2_vl")), tmp_path)
    about = json.loads((tmp_path / ABOUT).read_text())

    def told(**changes: object) -> None:
        (tmp_path / ABOUT).write_text(json.dumps(about | changes))

    for changes, said in (
        ({"tokens": 3}, "does not cover 3 tokens"),
        ({"picture": [10, 10]}, "size that is told"),
        ({"shots": "none"}, "does not hold a history"),
        ({"format": "other"}, "no history of the format"),
        ({"sha256": "0" * 64}, "changed or cut off"),
    ):
        told(**changes)
        with pytest.raises(BadInput, match=said):
            load_history(one, tmp_path)
    (tmp_path / ABOUT).write_text("{")
    with pytest.raises(BadInput, match="not valid JSON"):
        load_history(one, tmp_path)
    tensors = load_file(tmp_path / TENSORS)
    tensors["layers.1.keys"][0, 0, 3] = float("nan")
    save_file(tensors, tmp_path / TENSORS)
    import hashlib

    told(sha256=hashlib.sha256((tmp_path / TENSORS).read_bytes()).hexdigest())
    with pytest.raises(BadInput, match=r"layer 1 .* finite"):
        load_history(one, tmp_path)


def test_models_that_drop_patches_say_why_they_keep_no_history(tiny_folder):
    dropping = PointerModel.open(tiny_folder("focusui:qwen2_5_vl"), keep_ratio=0.5)
    with pytest.raises(BadInput, match=r"cannot keep a history: it drops patches by each instruction"):
        History(dropping)


def test_patterns_in_the_folder_are_used_if_they_are_the_model_s_own(one, tiny_folder, tmp_path, caplog):
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(tiny_folder("qwen2_5_vl"), folder)
    path = full_density(one).write(folder / "prefill.json")
    opened = PointerModel.open(folder)
    session = opened.use_prefill("sparse")
    expected = one.attend(one.encode(shown(0)), "save")
    np.testing.assert_allclose(opened.attend(opened.encode(shown(0)), "save"), expected, atol=1e-4)
    assert session.taken == {"sparse": 4}, (
        "two forwards in three layers, of which the last needs no attention but the pointer's"
    )
    good = json.loads(path.read_text())
    for changes, said in (
        ({"fingerprint": "1" * 32}, "found for tiny with fingerprint 111111111111"),
        ({"layers": good["layers"][:2]}, "layers of"),
        ({"layers": [{"9": {"pattern": "dense"}}] * 3}, "no head '9'"),
        ({"layers": [{"0": {"pattern": "wavy"}}] * 3}, "no pattern 'wavy'"),
        ({"layers": [{"0": {"pattern": "a_shape", "sinks": -1, "local": 2}}] * 3}, "whole and not negative"),
        ({"layers": [{"0": {"pattern": "a_shape", "sinks": 1}}] * 3}, "a_shape takes sinks, local"),
        ({"format": "x"}, "no pattern file"),
    ):
        caplog.clear()
        path.write_text(json.dumps(good | changes))
        session = opened.use_prefill("sparse")
        assert said in caplog.text, changes
        np.testing.assert_allclose(opened.attend(opened.encode(shown(0)), "save"), expected, atol=1e-4)
        assert session.taken == {"dense": 4}
    path.write_text(json.dumps(good | {"layers": [{"2": good["layers"][0]["2"]}] * 3}))
    missing = opened.use_prefill("sparse")
    assert missing.patterns is not None
    assert [p.name for p in missing.patterns.layers[0]] == ["dense", "dense", "a_shape", "dense"]
