"""GUI-Actor (arXiv 2506.03143): a pointer head on the state of one token, against the vision embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .last_layer import no_rows, trim_last_layer
from .screens import Append, EncodedScreen, Runner, Timings, View, timed


@dataclass(slots=True, kw_only=True)
class ActorScreen(EncodedScreen):
    """A screen with the key side of the pointer head, which does not depend on the instruction."""

    keys: Tensor
    """[V, d]."""


class GuiActor:
    """The screenshot's keys and prefix once, then only the instruction's own tokens."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        trim_last_layer(runner.module)

    def screen(self, view: View, timings: Timings) -> ActorScreen:
        """Raises CheckpointError without a pointer head."""
        module = self.runner.module
        head = module.head
        with timed(timings, "prefill"):
            keys = head.keys(view.sight.merged)
            ids = self.runner.ids(self.runner.opening(view.sight.merged.shape[0]))
            cache = self.runner.cached(ids, view, wanted=no_rows(ids.device))
        following = int(module.positions(ids, view.grid).max()) + 1
        return ActorScreen(view.transform, view.map_shape, cache, ids.shape[1], following, timings, keys=keys)

    def attend(self, screen: EncodedScreen, words: str, asked: Tensor | None = None) -> Tensor:
        if not isinstance(screen, ActorScreen):
            raise TypeError("this screen was encoded by another kind of model")
        ids = self.runner.ids(self.runner.question(words))
        module = self.runner.module
        states = self.runner.after(screen, ids, asked=asked, wanted=module.pointer_rows(ids))
        return first_map(module.head.scores(module.pointer_queries(ids, states), screen.keys))

    def seen(self, ids: Tensor, view: View, before: int, append: Append) -> dict[str, Any]:
        keys = self.runner.module.head.keys(view.sight.merged)
        append(no_rows(ids.device))
        return {"keys": keys}

    def settled(self, screen: EncodedScreen, ids: Tensor, append: Append) -> Tensor:
        assert isinstance(screen, ActorScreen)
        module = self.runner.module
        states = append(module.pointer_rows(ids))
        return first_map(module.head.scores(module.pointer_queries(ids, states), screen.keys))

    def screen_type(self) -> type[EncodedScreen]:
        return ActorScreen

    def attend_fresh(self, view: View, words: str) -> Tensor:
        module = self.runner.module
        head = module.head
        ids = self.runner.ids(self.runner.opening(view.sight.merged.shape[0]) + self.runner.question(words))
        return first_map(head(module.pointer_queries(ids, self.runner.whole(ids, view)), view.sight.merged))


def first_map(logits: Tensor) -> Tensor:
    """[V] softmax of the first pointer's logits; further pointers are not decoded."""
    return torch.softmax(logits[0], dim=-1)
