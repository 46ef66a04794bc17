"""FocusUI (arXiv 2601.03928): the pointer head of GUI-Actor on the patches that matter for the instruction.

The vision tower, the scorer's view of the patches and the UI graph are had once per screenshot. Each instruction scores
the patches, drops the rest and runs what is kept through the language model after the cached system turn; with a keep
ratio of 1 nothing is dropped and the whole picture is cached as for GUI-Actor.

Ours beside the published: a model without a token for dropped patches leaves none where they were, and one with a
reading channel gives the scorer the instruction's vector in place of its words.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .families import DeepStack
from .gui_actor import GuiActor, first_map
from .last_layer import no_rows
from .patch_scorer import PatchScorer
from .screens import EncodedScreen, Runner, Timings, View, restored, timed
from .selection import Rebuilt, SelectionRule, choose, rebuild
from .ui_graph import candidates, components


@dataclass(slots=True, kw_only=True)
class FocusScreen(EncodedScreen):
    """A screen whose patches are chosen per instruction; the cache holds the system turn alone."""

    view: View
    patches: Tensor
    """[V, d] the scorer's view of the patches."""
    candidates: Tensor
    """[V] number of each patch's candidate, 0 for background and under the published rule, which protects none."""
    opening: Tensor
    """[1, n] ids up to the last patch."""
    places: Tensor
    """[3, 1, n] their positions."""


@dataclass(frozen=True, slots=True)
class Selected:
    """One prompt with part of its patches."""

    kept: Tensor
    """[V] true for the patches that are left."""
    rebuilt: Rebuilt
    ids: Tensor
    """[1, L2]."""
    positions: Tensor
    """[3, 1, L2]."""


class FocusUI:
    """Selection by instruction, then the pointer head on what is kept."""

    def __init__(self, runner: Runner, rule: SelectionRule, scorer: PatchScorer | None = None) -> None:
        """``scorer`` takes the place of the checkpoint's own. Raises CheckpointError where there is neither."""
        self.runner, self.rule = runner, rule
        self.scorer = scorer if scorer is not None else runner.module.scorer
        self._all = GuiActor(runner)

    @property
    def dropping_nothing(self) -> GuiActor | None:
        """What this is with a keep ratio of 1; None with another."""
        return self._all if self.rule.keep == 1 else None

    def screen(self, view: View, timings: Timings) -> EncodedScreen:
        if self.rule.keep == 1:
            return self._all.screen(view, timings)
        module, runner = self.runner.module, self.runner
        opening = runner.ids(runner.opening(view.sight.merged.shape[0]))
        start = int((opening[0] == module.image_token_id).nonzero()[0])
        with timed(timings, "prefill"):
            patches = self.scorer.patches(view.sight.merged)
            cache = runner.cached_text(opening[:, :start], no_rows(runner.device))
            numbered = torch.zeros(view.sight.merged.shape[0], dtype=torch.long)
            if not self.rule.published:
                cell = view.pixels.shape[0] // view.map_shape[0]
                numbered = torch.from_numpy(candidates(components(view.pixels, cell))).flatten()
        return FocusScreen(
            view.transform,
            view.map_shape,
            cache,
            start,
            start,
            timings,
            view=view,
            patches=patches,
            candidates=numbered.to(runner.device),
            opening=opening,
            places=module.positions(opening, view.grid),
        )

    def attend(self, screen: EncodedScreen, words: str, asked: Tensor | None = None) -> Tensor:
        if not isinstance(screen, FocusScreen):
            return self._all.attend(screen, words, asked)
        runner = self.runner
        ids = torch.cat([screen.opening, runner.ids(runner.question(words))], dim=1)
        scores = self.scorer.scores(screen.patches, self.words(words, asked))
        chosen = self.selected(ids, self.placed(screen, ids), scores, screen.candidates)
        start = screen.prefix_length
        with restored(screen.cache, start):
            wanted = runner.module.pointer_rows(chosen.ids[:, start:])
            states = self.states(chosen, screen.view, start, screen.cache, wanted, asked)
        queries = runner.module.pointer_queries(chosen.ids[:, start:], states)
        return self.spread(runner.module.head(queries, screen.view.sight.merged[chosen.kept]), chosen.kept)

    def attend_fresh(self, view: View, words: str) -> Tensor:
        if self.rule.keep == 1:
            return self._all.attend_fresh(view, words)
        runner = self.runner
        screen = self.screen(view, {})
        assert isinstance(screen, FocusScreen)
        ids = torch.cat([screen.opening, runner.ids(runner.question(words))], dim=1)
        scores = self.scorer(view.sight.merged, self._embedded(words))
        chosen = self.select(ids, view.grid, scores, screen.candidates)
        queries = runner.module.pointer_queries(chosen.ids, self.states(chosen, view))
        return self.spread(runner.module.head(queries, view.sight.merged[chosen.kept]), chosen.kept)

    def words(self, words: str, asked: Tensor | None = None) -> Tensor:
        """[T, d] the scorer's view of the bare instruction; of its vector ``asked`` [1, d] where there is one."""
        return self.scorer.words(self._embedded(words) if asked is None else asked)

    def _embedded(self, words: str) -> Tensor:
        return self.runner.module.embed(self.runner.ids(self.runner.tokenizer.plain(words)))[0]

    def select(self, ids: Tensor, grid: Tensor, scores: Tensor, numbered: Tensor | None = None) -> Selected:
        """A whole prompt [1, L] without the patches that the rule drops, with the positions that the rule gives."""
        return self.selected(ids, self.runner.module.positions(ids, grid), scores, numbered)

    def placed(self, screen: FocusScreen, ids: Tensor) -> Tensor:
        """Positions [3, 1, L] of a whole prompt ``ids`` [1, L] on a screen: those of its picture are known."""
        more = ids.shape[1] - screen.places.shape[-1]
        steps = torch.arange(more, device=ids.device) + int(screen.places.max()) + 1
        return torch.cat([screen.places, steps.expand(3, 1, -1)], dim=2)

    def selected(self, ids: Tensor, positions: Tensor, scores: Tensor, numbered: Tensor | None = None) -> Selected:
        """As :meth:`select`, with the positions [3, 1, L] of the whole prompt."""
        module = self.runner.module
        if self.rule.keep == 1:
            kept = torch.ones_like(scores, dtype=torch.bool)
        else:
            kept = choose(scores, self.rule, ids[0], numbered)
        gaps = self.rule.gaps
        if gaps == "pospad" and not module.has_marker:  # never trained with one, so nothing stands for what is dropped
            gaps = "direct"
        rebuilt = rebuild(ids[0], kept, module.image_token_id, gaps)
        shortened = rebuilt.ids(ids, module.marker_id) if module.has_marker else ids[..., rebuilt.source]
        return Selected(kept, rebuilt, shortened, rebuilt.placed(positions, gaps))

    def states(
        self,
        chosen: Selected,
        view: View,
        start: int = 0,
        cache: object = None,
        wanted: Tensor | None = None,
        asked: Tensor | None = None,
    ) -> Tensor:
        """Post-norm states [1, L2 - start, d] of a selected prompt, whose first ``start`` tokens are in the cache.

        ``wanted`` as for ``decode``; ``asked`` [1, d] is added to the embeddings of pointer tokens.
        """
        module = self.runner.module
        levels = None if bool(chosen.kept.all()) else module.levels_under_selection
        sight, ids = view.sight.taken(chosen.kept, levels), chosen.ids[:, start:]
        deep = DeepStack(ids == module.image_token_id, sight.levels)
        embeds, positions = module.embed(ids, sight.merged), chosen.positions[..., start:]
        if asked is not None:
            embeds = embeds + (ids == module.pointer_pad_id)[..., None] * asked.to(embeds)
        return module.decode(embeds, positions, cache=cache, deep=deep, wanted=wanted, causal=cache is not None)

    def spread(self, logits: Tensor, kept: Tensor) -> Tensor:
        """[V] attention on the whole grid, 0 where a patch was dropped, from logits [K, kept]."""
        whole = torch.zeros(kept.shape[0], dtype=logits.dtype, device=logits.device)
        whole[kept] = first_map(logits)
        return whole
