"""GUI-AIMA (arXiv 2511.00810): the decoder's own attention from the pointer token to the picture is the map.

Heads are weighted by how much the words nearest to the picture (by cosines of hidden states) look at it. Only the rows
of the words and of the pointer are computed, on the cached keys of the picture; of the picture's hidden states each
layer leaves one vector, the sum of their directions, since a sum of cosines is a product with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from reticle_grounding.errors import CheckpointError

from . import prompts
from .attention_rows import Rows, record_rows
from .screens import Append, EncodedScreen, Runner, Timings, View, timed

TEMPLATE_TOKENS = 12
"""Tokens that ``part`` leaves out: the published answer start in the published tokenizer."""
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Weighting:
    """How heads are weighted; config.json holds it."""

    topk: int | None = 1
    """So many words count, those nearest to the picture; None gives all heads the same weight."""
    per_layer: bool = False
    """Choose the words in each layer anew."""
    kl: bool = False
    """Instead: heads count by how far their share of attention per word follows the words' nearness."""
    part: bool = False
    """Leave out the words of the answer's start."""

    @classmethod
    def from_config(cls, config: Any) -> Weighting:
        """Raises CheckpointError for values that are none."""
        topk = getattr(config, "query_topk", None)
        if topk is not None and (not isinstance(topk, int) or topk < 1):
            raise CheckpointError(f"config.json says query_topk {topk!r}; a positive whole number is expected")
        names = ("layer_wise_query_weighting", "kl_query_weighting", "part_query_weighting")
        per_layer, kl, part = (bool(getattr(config, name, False)) for name in names)
        return cls(topk, per_layer, kl, part)

    def words(self, count: int) -> int:
        """How many of ``count`` words take part. At least one does."""
        return max(1, count - TEMPLATE_TOKENS) if self.part else count


def chosen_words(nearness: Tensor, weighting: Weighting) -> Tensor:
    """Indices [L, k] of the words that count, from the nearness [L, Q] of words to the picture in each layer."""
    ranked = nearness if weighting.per_layer else nearness.sum(0, keepdim=True)
    best = ranked.topk(min(weighting.topk or 1, nearness.shape[-1]), dim=-1).indices
    return best.expand(nearness.shape[0], -1)


def head_weights(mass: Tensor, nearness: Tensor, weighting: Weighting) -> Tensor:
    """[L, H] summing to 1.

    Args:
        mass: [L, H, Q] attention of each word on the whole picture.
        nearness: [L, Q] sums of cosines between words and patches.
    """
    if weighting.kl:
        return pattern_weights(mass, nearness.sum(0).softmax(-1))
    if weighting.topk is None:
        return torch.full_like(mass[..., 0], 1 / mass[..., 0].numel())
    return word_weights(mass, chosen_words(nearness, weighting))


def word_weights(mass: Tensor, chosen: Tensor) -> Tensor:
    """[L, H]: softmax over all heads of the attention that the chosen words [L, k] pay to the picture."""
    picked = mass.gather(-1, chosen[:, None, :].expand(-1, mass.shape[1], -1)).sum(-1)
    return picked.flatten().softmax(-1).view_as(picked)


def pattern_weights(mass: Tensor, pattern: Tensor) -> Tensor:
    """[L, H]: softmax over all heads of minus the divergence of each head's words from the pattern [Q]."""
    shares, wanted = mass.softmax(-1).clamp_min(TINY), pattern.clamp_min(TINY)
    divergence = (wanted * (wanted.log() - shares.log())).sum(-1)
    return (-divergence).flatten().softmax(-1).view_as(divergence)


def strongest_heads(anchor: Tensor, count: int) -> Tensor:
    """[L, H]: equal weights for the heads whose pointer rows [L, H, V] look most at the picture, 0 for the others."""
    total = anchor.sum(-1)
    best = total.flatten().topk(count).indices
    return torch.zeros_like(total).flatten().index_fill(0, best, 1 / count).view_as(total)


def attention_map(anchor: Tensor, weights: Tensor) -> Tensor:
    """[V] summing to 1, from pointer rows [L, H, V] and head weights [L, H]."""
    mixed = torch.einsum("lhv,lh->v", anchor, weights)
    return mixed / (mixed.sum() + 1e-8)


def attention_loss(attention: Tensor, labels: Tensor) -> Tensor:
    """KL of a map [V] from each row of labels [T, V] normalised to sum 1, summed over the rows."""
    target = labels / (labels.sum(-1, keepdim=True) + 1e-8)
    log_attention = attention.clamp_min(TINY).log().expand_as(target)
    return functional.kl_div(log_attention, target, reduction="sum")


@dataclass(slots=True, kw_only=True)
class AimaScreen(EncodedScreen):
    """A screen with what each layer left of the picture."""

    directions: Tensor
    """[L, d] sums of the unit hidden states of the patches."""
    patches: slice
    """Where the patches stand in the prompt."""


class GuiAima:
    """Rows of attention for the instruction's own tokens on the cached picture."""

    def __init__(self, runner: Runner, weighting: Weighting | None = None) -> None:
        self.runner = runner
        self.weighting = weighting or Weighting.from_config(runner.module.config)
        record_rows(runner.module)

    def screen(self, view: View, timings: Timings) -> AimaScreen:
        runner = self.runner
        with timed(timings, "prefill"):
            ids = runner.ids(runner.opening(view.sight.merged.shape[0]))
            patches = self._patches(ids)
            states: list[Tensor] = []
            cache = runner.cached(ids, view, self._layers(states, patches))
        following = int(runner.module.positions(ids, view.grid).max()) + 1
        common = (view.transform, view.map_shape, cache, ids.shape[1], following, timings)
        return AimaScreen(*common, directions=torch.stack([s.sum(0) for s in states]), patches=patches)

    def attend(self, screen: EncodedScreen, words: str, asked: Tensor | None = None) -> Tensor:
        if not isinstance(screen, AimaScreen):
            raise TypeError("this screen was encoded by another kind of model")
        ids = self.runner.ids(self.runner.question(words))
        count = self.weighting.words(self._word_count(ids))
        states: list[Tensor] = []
        rows = Rows([*range(count), ids.shape[1] - 1], screen.patches)
        with self._layers(states, slice(0, count)):
            self.runner.after(screen, ids, rows=rows)
        return self._map(torch.stack(rows.layers), _nearness(states, screen))

    def seen(self, ids: Tensor, view: View, before: int, append: Append) -> dict[str, Any]:
        patches = self._patches(ids)
        states: list[Tensor] = []
        with self._layers(states, patches):
            append()
        place = slice(patches.start + before, patches.stop + before)
        return {"directions": torch.stack([s.sum(0) for s in states]), "patches": place}

    def settled(self, screen: EncodedScreen, ids: Tensor, append: Append) -> Tensor:
        assert isinstance(screen, AimaScreen)
        count = self.weighting.words(self._word_count(ids))
        pointer = int(self.runner.module.pointer_rows(ids)[0])
        states: list[Tensor] = []
        rows = Rows([*range(count), pointer], screen.patches)
        with self._layers(states, slice(0, count)):
            append(rows=rows)
        return self._map(torch.stack(rows.layers), _nearness(states, screen))

    def screen_type(self) -> type[EncodedScreen]:
        return AimaScreen

    def attend_fresh(self, view: View, words: str) -> Tensor:
        runner = self.runner
        ids = runner.ids(runner.opening(view.sight.merged.shape[0]) + runner.question(words))
        return self.attend_prompt(ids, view)

    def attend_prompt(self, ids: Tensor, view: View) -> Tensor:
        """[V] for a whole prompt [1, L] with any number of pointers, whose rows are averaged."""
        attention, nearness = self.observe(ids, view)
        words = nearness.shape[-1]
        pointer = attention[:, :, words:].mean(2, keepdim=True)
        return self._map(torch.cat([attention[:, :, :words], pointer], dim=2), nearness)

    def observe(self, ids: Tensor, view: View) -> tuple[Tensor, Tensor]:
        """A whole prompt [1, L] in one forward: rows [L, H, words + pointers, V] and nearness [L, words]."""
        module, patches = self.runner.module, self._patches(ids)
        after = ids[:, patches.stop :]
        count = self.weighting.words(self._word_count(after))
        queries = [patches.stop + i for i in range(count)]
        anchors = (ids[0] == module.pointer_pad_id).nonzero().flatten().tolist()
        states: list[Tensor] = []
        rows = Rows([*queries, *anchors], patches)
        embeds, positions = module.embed(ids, view.sight.merged), module.positions(ids, view.grid)
        with self._layers(states, slice(patches.start, patches.stop + count)):
            module.decode(embeds, positions, rows=rows)
        size = patches.stop - patches.start
        nearness = torch.stack([s[size:] @ s[:size].sum(0) for s in states])
        return torch.stack(rows.layers), nearness

    def _map(self, attention: Tensor, nearness: Tensor) -> Tensor:
        """From rows [L, H, Q + 1, V] (the pointer's is the last) and nearness [L, Q]."""
        weights = head_weights(attention[:, :, :-1].sum(-1), nearness, self.weighting)
        return attention_map(attention[:, :, -1], weights)

    def _word_count(self, after: Tensor) -> int:
        """Tokens between the picture and the first pointer."""
        starts = self.runner.tokenizer.token_id(prompts.POINTER_START)
        return [int(token) for token in after[0]].index(starts or -1)

    def _patches(self, ids: Tensor) -> slice:
        pads = (ids[0] == self.runner.module.image_token_id).nonzero().flatten()
        return slice(int(pads[0]), int(pads[-1]) + 1)

    @contextmanager
    def _layers(self, states: list[Tensor], rows: slice) -> Iterator[None]:
        """Collects the unit hidden states of some tokens after every layer, after the final norm for the last."""

        def take(_module: object, _args: object, output: Tensor) -> None:
            states.append(functional.normalize(output[0, rows].float(), dim=-1))

        decoder = self.runner.module.backbone.model.language_model
        hooks = [part.register_forward_hook(take) for part in (*decoder.layers[:-1], decoder.norm)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def _nearness(states: list[Tensor], screen: AimaScreen) -> Tensor:
    """[L, Q] of words, from their unit states in each layer, to the picture."""
    return torch.stack([s @ d for s, d in zip(states, screen.directions, strict=True)])
