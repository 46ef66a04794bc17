"""The decoder's last layer for the rows that are read: the same answers, and the rest is really left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reticle_grounding.model.pointer_model import PointerModel

KINDS = ("qwen2_vl", "qwen2_5_vl", "focusui:qwen2_5_vl", "focusui:qwen3_vl")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [None, 0.5])
def test_answers_are_those_of_the_whole_layer(tiny_folder, small_screen, kind, keep):
    if keep is not None and not kind.startswith("focusui"):
        pytest.skip("drops no patches")
    model = PointerModel.open(tiny_folder(kind), keep_ratio=keep)
    rows: list[int] = []
    model.module.backbone.model.language_model.layers[-1].mlp.register_forward_hook(
        lambda _m, inputs, _o: rows.append(inputs[0].shape[1])
    )
    screen = model.encode(small_screen)
    for words in ("Save as", "the orange circle"):
        ours = model.attend(screen, words)
        # The prefix leaves no row, an instruction its pointer's.
        assert max(rows) == 1
        rows.clear()
        np.testing.assert_allclose(ours, model.attend_fresh(small_screen, words), atol=1e-6, rtol=0)
        assert max(rows) > 20
        rows.clear()


@pytest.mark.parametrize("kind", KINDS)
def test_wanted_rows_are_those_of_all(tiny_folder, small_screen, kind):
    model = PointerModel.open(tiny_folder(kind))
    runner, module = model.runner, model.module
    with torch.inference_mode():
        view = runner.view(small_screen, model.processor, {})
        ids = runner.ids(runner.opening(view.sight.merged.shape[0]) + runner.question("Save as"))
        embeds, positions = module.embed(ids, view.sight.merged), module.positions(ids, view.grid)
        deep = runner.deep(ids, view.sight)
        whole = module.decode(embeds, positions, deep=deep)
        wanted = torch.tensor([0, 3, ids.shape[1] // 2, ids.shape[1] - 1])
        some = module.decode(embeds, positions, deep=deep, wanted=wanted)
        torch.testing.assert_close(some[:, wanted], whole[:, wanted], atol=1e-5, rtol=0)
        # On a cache of the first half, whose own last layer was left out.
        half, cache = ids.shape[1] // 2, runner.empty()
        parts = [slice(None, half), slice(half, None)]
        patches = _halves(ids, module.image_token_id, half)
        asked = (wanted[:0], torch.tensor([0, ids.shape[1] - half - 1]))
        for part, held, rows in zip(parts, patches, asked, strict=True):
            told = runner.deep(ids[:, part], view.sight.taken(held))
            states = module.decode(embeds[:, part], positions[..., part], cache=cache, deep=told, wanted=rows)
        torch.testing.assert_close(states[:, rows], whole[:, half:][:, rows], atol=1e-5, rtol=0)


def _halves(ids, image, half):
    """Masks [V] of the patches before and after the middle of the prompt."""
    before = int((ids[0, :half] == image).sum())
    order = torch.arange(int((ids[0] == image).sum()))
    return order < before, order >= before
