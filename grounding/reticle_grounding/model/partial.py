"""GUI-Actor's pointer on part of the patches, chosen once per screenshot, without the words.

Because the choice does not depend on the instruction, the shortened prefix is cached like a whole one, and all further
instructions run on it; a choice by the words (FocusUI) has to prefill for each instruction anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reticle_grounding.strategies import Ranking

from .families import MARKER_ID_FIELD, DeepStack, Sight
from .gui_actor import ActorScreen, GuiActor, first_map
from .hiprune import every_nth, hiprune
from .last_layer import no_rows
from .picture_score import choose_by_picture
from .screens import EncodedScreen, Runner, Timings, View, timed
from .selection import SelectionRule, Shortened, shortened


@dataclass(slots=True, kw_only=True)
class PartialScreen(ActorScreen):
    """A screen of which the decoder saw some patches."""

    kept: Tensor
    """[V] true for those."""


class PartialActor:
    """The pointer head on the patches that a ranking keeps."""

    def __init__(self, runner: Runner, rule: SelectionRule, ranking: Ranking) -> None:
        self.runner, self.rule, self.ranking = runner, rule, ranking
        self._actor = GuiActor(runner)

    def screen(self, view: View, timings: Timings) -> PartialScreen:
        """Raises CheckpointError without a pointer head."""
        head = self.runner.module.head
        with timed(timings, "select"):
            kept = self.kept(view)
            sight = view.sight if view.kept is not None else view.sight.taken(kept, self._levels(kept))
        with timed(timings, "prefill"):
            keys = head.keys(sight.merged)
            cache = self.runner.empty()
            ids = self.runner.ids(self.runner.opening(kept.shape[0]))
            short = self._shortened(ids, kept, view)
            self._decode(short, sight, cache, no_rows(ids.device))
        common = (view.transform, view.map_shape, cache, short.ids.shape[1], short.following, timings)
        return PartialScreen(*common, keys=keys, kept=kept)

    def attend(self, screen: EncodedScreen, words: str, asked: Tensor | None = None) -> Tensor:
        if not isinstance(screen, PartialScreen):
            raise TypeError("this screen was encoded by another kind of model")
        return spread(self._actor.attend(screen, words, asked), screen.kept)

    def attend_fresh(self, view: View, words: str) -> Tensor:
        module, runner = self.runner.module, self.runner
        kept = self.kept(view)
        sight = view.sight if view.kept is not None else view.sight.taken(kept, self._levels(kept))
        ids = runner.ids(runner.opening(kept.shape[0]) + runner.question(words))
        short = self._shortened(ids, kept, view)
        queries = module.pointer_queries(short.ids, self._decode(short, sight, None))
        return spread(first_map(module.head(queries, sight.merged)), kept)

    def kept(self, view: View) -> Tensor:
        """[V] true for the patches that are left."""
        if view.kept is not None:
            return view.kept
        patches = view.sight.merged.shape[0]
        if self.rule.keep == 1:
            return torch.ones(patches, dtype=torch.bool, device=self.runner.device)
        if self.ranking == "hiprune" and view.received is not None:
            return hiprune(view.received, view.map_shape, self.rule.count(patches))
        if self.ranking == "even":
            return every_nth(patches, self.rule.count(patches)).to(self.runner.device)
        cell = view.pixels.shape[0] // view.map_shape[0]
        return choose_by_picture(view.pixels, cell, self.rule).to(self.runner.device)

    def _levels(self, kept: Tensor) -> int | None:
        return None if bool(kept.all()) else self.runner.module.levels_under_selection

    def _shortened(self, ids: Tensor, kept: Tensor, view: View) -> Shortened:
        module = self.runner.module
        return shortened(ids, module.positions(ids, view.grid), kept, module.image_token_id, self.rule.gaps)

    def _decode(self, short: Shortened, sight: Sight, cache: object, wanted: Tensor | None = None) -> Tensor:
        module = self.runner.module
        # Markers take no patch: an id that is no image token holds their place until their vector is set.
        ids = short.ids.masked_fill(short.marker, int(short.ids[0, 0]))
        embeds = module.embed(ids, sight.merged)
        if bool(short.marker.any()):
            embeds = torch.where(short.marker[None, :, None], self.marker().to(embeds), embeds)
        deep = DeepStack(ids == module.image_token_id, sight.levels) if sight.levels else None
        return module.decode(embeds, short.positions, cache=cache, deep=deep, wanted=wanted)

    def marker(self) -> Tensor:
        """[d] what stands for a run of dropped patches: the marker's own vector, or where a checkpoint has none the
        mean of all token vectors, with which FocusUI's training begins."""
        table: Tensor = self.runner.module.backbone.model.language_model.embed_tokens.weight
        own = getattr(self.runner.module.config, MARKER_ID_FIELD, None)
        return table.mean(0) if own is None else table[int(own)]


def spread(attention: Tensor, kept: Tensor) -> Tensor:
    """[V] attention on the whole grid, 0 where a patch was dropped, from that of the kept ones."""
    whole = torch.zeros(kept.shape[0], dtype=attention.dtype, device=attention.device)
    whole[kept] = attention
    return whole
