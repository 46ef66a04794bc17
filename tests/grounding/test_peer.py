"""Both sides of the peer benchmark on the smallest models: the same attention, measured in their own processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reticle_grounding.errors import BadInput
from reticle_grounding.peer.bench import PeerError, StepResult, Taken, _check_same, compare, compared
from reticle_grounding.peer.dropping import near_the_cut
from reticle_grounding.peer.weights import KINDS, PUBLISHED, shrunk, write_folder
from reticle_grounding.peer.worker import Ours, Plain

SAME = 5e-5
"""Share of a map's spread by which the sides may differ; in float32 they do by 0.4e-6 to 3e-6."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("peer")
    return {kind: write_folder(kind, 16, root / kind.replace(":", "-")) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [1.0, 0.5])
def test_both_sides_see_the_same(folders, small_screen: Image.Image, kind, keep) -> None:
    if keep < 1 and not kind.startswith("focusui"):
        pytest.skip("drops no patches")
    ours, plain = Ours(folders[kind], keep), Plain(folders[kind], keep)
    maps: list[np.ndarray] = []
    for step, words in (("first", "Save as"), ("further", "the orange circle")):
        one, other = (getattr(side, step)(small_screen, words).ravel() for side in (ours, plain))
        spread = float(np.ptp(other[other > 0]))
        assert spread > 0.1 * other.max()  # an even map would agree with anything
        np.testing.assert_allclose(one, other, atol=SAME * spread, rtol=0)
        np.testing.assert_array_equal(one > 0, other > 0)
        assert (np.count_nonzero(other) < other.size) == (keep < 1)
        maps.append(other)
    # Words change the map by more than the sides may differ, so an answer to other words would be seen.
    assert np.abs(maps[0] - maps[1]).max() > 10 * SAME * spread


@pytest.mark.slow
def test_sides_are_measured_in_their_own_processes(folders, small_screen: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "screen.png"
    small_screen.save(path)
    (result,) = compare(folders["gui_actor:qwen2_5_vl"], [("small", path)], 1.0, repeats=1)
    for step in result.steps.values():
        assert step.processor_ratio is not None
        assert step.processor_ratio.low <= step.processor_ratio.middle <= step.processor_ratio.high
        assert all(seconds > 0 for seconds in step.processor_s.values())
        assert all(step.peak[side] >= step.working[side] for side in step.peak)
        assert 0 <= step.difference < SAME * step.highest
    # Nothing of the picture is computed again for a further instruction.
    assert result.steps["further"].processor_s["ours"] < result.steps["first"].processor_s["ours"]


def test_different_maps_are_an_error() -> None:
    _check_same("the same", StepResult(difference=1e-6, highest=0.01))
    for bad in (2e-4, float("nan")):
        with pytest.raises(PeerError, match="differs"):
            _check_same("two maps", StepResult(difference=bad, highest=0.5))
    with pytest.raises(PeerError, match="two maps"):
        _check_same("two maps", StepResult(difference=5e-5, highest=0.001))


def test_patches_on_which_rounding_decides_are_left_out() -> None:
    """One patch is kept by either side alone: no difference if both sides say that it was close, else one."""

    def taken(values: list[float], undecided: tuple[int, ...]) -> Taken:
        return Taken(1.0, 1.0, 1, tuple(values), undecided)

    ours, plain = [0.5, 0.25, 0.25, 0.0, 0.0], [0.48, 0.24, 0.0, 0.28, 0.0]
    one, other, apart = compared("first", taken(ours, (2, 3)), taken(plain, ()))
    assert apart == 2
    np.testing.assert_allclose(one, other, atol=1e-12)
    np.testing.assert_allclose(one, [2 / 3, 1 / 3, 0, 0, 0], atol=1e-12)
    one, other, apart = compared("first", taken(ours, (0, 1)), taken(plain, ()))
    assert apart == 0, "the patches that differ were not close"
    assert np.abs(one - other).max() > 0.2
    with pytest.raises(PeerError, match="5 and 4"):
        compared("first", taken(ours, ()), taken(plain[:4], ()))


def test_what_is_near_the_cut() -> None:
    scores = torch.tensor([0.3, 0.1 + 2e-7, 0.1, -0.2, 0.1001])
    assert near_the_cut(scores, torch.tensor([True, True, False, False, True])) == (1, 2)
    assert near_the_cut(scores, torch.ones(5, dtype=torch.bool)) == ()
    assert near_the_cut(scores, torch.tensor([True, False, False, False, False])) == ()


def test_impossible_settings_are_refused(folders, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not by 17"):
        shrunk(PUBLISHED["qwen2_vl"], 17)
    with pytest.raises(BadInput, match="repeat"):
        next(compare(folders["gui_actor:qwen2_vl"], [], 1.0, repeats=0))


@pytest.mark.parametrize("backbone", PUBLISHED)
def test_a_whole_part_keeps_the_published_sizes(backbone) -> None:
    assert shrunk(PUBLISHED[backbone], 1) == PUBLISHED[backbone]
