"""The search gives each head the pattern that its attention really follows; traces change a little at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from reticle_grounding.errors import BadInput
from reticle_grounding.model.compaction import unchanged_patches
from reticle_grounding.model.head_patterns import Call, HeadPattern, read_patterns
from reticle_grounding.model.pattern_search import (
    CANDIDATES,
    Budget,
    Prefill,
    Seen,
    head_errors,
    matched,
    plan_of,
    search_patterns,
)
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.token_map import TokenMap, empty_map
from reticle_grounding.training.traces import MEASURED_SEED, SEARCH_SEED, generate_trace
from reticle_kernels.attention.sparse import dense_attention

FRAME, TEXT, FRAMES, WIDTH = (9, 16), 12, 9, 64


def trace_map() -> TokenMap:
    """Nine screenshots of 9 by 16 patches with text around."""
    tokens, at = empty_map(), 0
    for _ in range(FRAMES):
        tokens = tokens.extended((torch.arange(TEXT) + at).expand(3, -1))
        at += TEXT
        row, column = torch.meshgrid(*(torch.arange(n) for n in FRAME), indexing="ij")
        patches = torch.stack([torch.full(FRAME, 0), row, column]).flatten(1) + at
        tokens = tokens.extended(patches)
        at += max(FRAME)
    return tokens


def planted() -> Prefill:
    """Head 0 looks at the same patch of all frames, head 1 at its neighbours; the new rows are the last frame."""
    tokens = trace_map()
    generator = torch.Generator().manual_seed(0)
    keys, rows = len(tokens), FRAME[0] * FRAME[1]
    codes = torch.randn(rows, WIDTH, generator=generator) * 1.5
    k = torch.randn(2, keys, WIDTH, generator=generator) * 0.05
    patch = tokens.patch()
    k[0, patch >= 0] = codes[patch[patch >= 0]]
    waves = torch.arange(keys).unsqueeze(1) / torch.tensor([3.0 * 1.3**n for n in range(WIDTH // 2)])
    k[1] = torch.cat([waves.sin(), waves.cos()], 1) * 2
    v = torch.randn(2, keys, WIDTH, generator=generator)
    q = k[:, -rows:].clone() * 3
    dense = dense_attention(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0))[0]
    return Prefill(0, FRAMES, Call(q, k, tokens), v, dense)


def test_planted_heads_are_told_apart_at_equal_cost():
    prefill = planted()
    budget = Budget([prefill], int(prefill.dense.shape[0] * prefill.dense.shape[1] * 900))
    errors, costs = {}, {}
    for candidate in CANDIDATES:
        pattern = matched(candidate, budget)
        if pattern is not None:
            errors[pattern.name] = min(head_errors(pattern, [prefill]), errors.get(pattern.name, [9.0, 9.0]))
            costs[candidate.title] = budget.cost(pattern) / budget.area
    assert max(costs.values()) <= 1.02
    same, near = errors["same_patch"], errors["a_shape"]
    assert same[0] < 0.2 < near[0], "only same-patch lines reach all copies of a patch"
    assert near[1] < 0.05
    assert HeadPattern("same_patch", (1, 0, 64, 256, 4)).document()["steps"] == 4
    assert plan_of(HeadPattern("dense"), prefill).density() > 0.99


def screenshot(number: int) -> Seen:
    image = Image.new("RGB", (168, 112), "white")
    ImageDraw.Draw(image).rectangle((4, 4, 20 + 8 * number, 60), fill="navy")
    return Seen(image, None, "the blue bar")


def test_a_search_writes_what_the_model_then_uses(tiny_folder, tmp_path):
    model = PointerModel.open(tiny_folder("qwen2_5_vl"))
    done = []
    found = search_patterns(
        model,
        [lambda: (screenshot(n) for n in range(3))],
        frames=(2, 3),
        keys=80,
        progress=lambda at, total: done.append((at, total)),
    )
    assert done[-1][0] == done[-1][1]
    assert all(len(errors) == 12 and min(errors) >= 0 for errors in found.errors.values())
    best = [min(errors[n] for errors in found.errors.values()) for n in range(12)]
    assert found.patterns.search["mean_error_assigned"] == pytest.approx(np.mean(best), abs=1e-4)
    path = found.patterns.write(tmp_path / "prefill.json")
    assert read_patterns(path, 4).layers == found.patterns.layers
    session = model.use_prefill("sparse", read_patterns(path, 4))
    assert session.patterns is not None
    attention = model.attend(model.encode(screenshot(0).image), "the bar")
    assert np.isfinite(attention).all()
    with pytest.raises(BadInput, match="3 screenshots, 9 are wanted"):
        search_patterns(model, [lambda: (screenshot(n) for n in range(3))], frames=(9,), keys=80)
    with pytest.raises(BadInput, match="a search needs"):
        search_patterns(model, [], frames=(2,))


def test_traces_are_reproducible_and_change_a_little_at_a_time():
    steps, again = (list(generate_trace(MEASURED_SEED, 6, size=(640, 400))) for _ in range(2))
    assert [s.image.tobytes() for s in steps] == [s.image.tobytes() for s in again]
    pixels = [np.asarray(s.image.resize((644, 392))) for s in steps]
    shares = [float(unchanged_patches(a, b, (14, 23)).float().mean()) for a, b in pairwise(pixels)]
    assert max(shares) > 0.4, "some steps leave most of the screen as it is"
    assert min(shares) < 1
    for step in steps:
        for element in step.elements:
            left, top, right, bottom = element.box
            assert 0 <= left < right <= 640
            assert 0 <= top < bottom <= 400
    assert SEARCH_SEED < MEASURED_SEED
