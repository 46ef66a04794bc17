"""A vision-language model that writes an answer to a growing prompt, and computes of it only what is new.

Keys and values of the last prompt stay. Of the next one, the longest beginning that is the same (token for token,
picture for picture) is not computed again, so a run that adds a screenshot per step pays for that screenshot alone.
``model.history.History`` keeps the prompts of pointer models in that way; a plain model's prompt has other turns and
no pointer, so it is kept here, in the same growing cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from reticle_grounding.errors import CheckpointError, ReticleError
from reticle_grounding.geometry import Size
from reticle_grounding.model.checkpoint import Checkpoint
from reticle_grounding.model.families import DeepStack
from reticle_grounding.model.growing_cache import GrowingCache
from reticle_grounding.model.prompts import IMAGE_PAD
from reticle_grounding.model.screens import Runner, View
from reticle_grounding.model.vision_layers import speed_up_layers
from reticle_grounding.model.vision_speed import batch_vision_windows, embed_still_pictures

from .decode import decode
from .grammar import Grammar
from .pieces import Extent, Markup, Picture, Piece, Said, Words, Written
from .vocabulary import Allowed, Constraint, Vocabulary

CHUNK = 512
"""Tokens of a prompt that are computed in one go; between two, it can be stopped."""
Check = Callable[[], None]
"""Called again and again while a model works; raises what ends the work."""
_Key: TypeAlias = "int | tuple[str, int]"
"""A token of text by its id, a patch by its picture and number."""


class WritingError(ReticleError):
    """A model could not write an answer."""


class LocalWriter:
    """A plain vision-language model. Use from one thread. Made by ``opening.open_writer``."""

    def __init__(self, checkpoint: Checkpoint, vocabulary: Vocabulary, max_pixels: int | None = None) -> None:
        """Raises CheckpointError for a tokenizer with ids that the model does not have."""
        self.name = checkpoint.name
        self.module = checkpoint.model.eval()
        self.processor = checkpoint.processor.capped(max_pixels)
        self.runner = Runner(self.module, checkpoint.tokenizer, checkpoint.profile)
        config = self.module.config.text_config
        if vocabulary.last >= int(config.vocab_size):
            raise CheckpointError(
                f"{self.name}: the tokenizer has the id {vocabulary.last}, the model only {config.vocab_size} of them"
            )
        self.context = int(config.max_position_embeddings)
        """Tokens of the longest prompt, answer included, that the model was made for."""
        self._vocabulary = vocabulary
        self._layers = int(config.num_hidden_layers)
        self._constraint = lru_cache(maxsize=8)(lambda grammar: Constraint(grammar, vocabulary))
        self._views: dict[str, View] = {}
        self._check: Check = _go_on
        batch_vision_windows(self.module)
        embed_still_pictures(self.module)
        speed_up_layers(self.module)
        backbone = self.module.backbone.model
        for layer in (*backbone.visual.blocks, *backbone.language_model.layers):
            layer.register_forward_pre_hook(self._before_layer)
        self.forget()

    def forget(self) -> None:
        """Lets go of the prompt that is kept."""
        self._keys: list[_Key] = []
        self._positions = torch.zeros(3, 1, 0, dtype=torch.long, device=self.runner.device)
        self._cache = GrowingCache(self._layers)
        self._views.clear()

    @property
    def kept(self) -> int:
        """Tokens whose keys and values are held."""
        return len(self._keys)

    def extent(self, prompt: Sequence[Piece]) -> Extent:
        """How long a prompt is, and how much of it is new. Raises BadInput for a picture with impossible sides."""
        keys = self._keys_of(prompt)
        return Extent(len(keys), len(keys) - self._shared(keys))

    @torch.inference_mode()
    def write(self, prompt: Sequence[Piece], grammar: Grammar, limit: int, check: Check = lambda: None) -> Written:
        """The likeliest answer the grammar allows, token by token, of at most ``limit`` tokens.

        ``check`` is called before each token, each chunk of the prompt and each layer; what it raises ends the work and
        leaves the kept prompt whole. Raises BadInput for a limit below the shortest answer, WritingError for a prompt
        beyond what the model was made for, or when its numbers are not finite.
        """
        with self._watched(check):
            keys = self._keys_of(prompt)
            extent = Extent(len(keys), len(keys) - self._shared(keys))
            if extent.tokens + limit > self.context:
                raise WritingError(
                    f"the prompt has {extent.tokens} tokens and its answer up to {limit}; {self.name} was made for "
                    f"{self.context} in all"
                )
            pictures = {piece.digest: piece.image for piece in prompt if isinstance(piece, Picture)}
            last = self._read(keys, pictures)
            self._views = {digest: view for digest, view in self._views.items() if digest in pictures}
            constraint = self._constraint(grammar)
            answer = _Answer(self, last)
            text, ids = decode(constraint, answer.choose, limit)
        return Written(text.decode(), tuple(ids), extent)

    def next_logits(self, last: Tensor) -> Tensor:
        """[ids of text] what the model makes of the next token, from the state [d] of the last one."""
        logits = self.module.language_logits(last)[: self._vocabulary.last + 1].float()
        if not torch.isfinite(logits).all():
            raise WritingError(f"{self.name} gives numbers that are not finite; open it in another type of numbers")
        return logits

    def append(self, token: int) -> Tensor:
        """Adds a token to what is kept; the state [d] behind it."""
        return self._decode([token], {}, {})

    def _before_layer(self, layer: nn.Module, given: object) -> None:
        self._check()

    @contextmanager
    def _watched(self, check: Check) -> Iterator[None]:
        check()
        self._check = check
        try:
            yield
        finally:
            self._check = _go_on

    def _keys_of(self, prompt: Sequence[Piece]) -> list[_Key]:
        keys: list[_Key] = []
        for piece in prompt:
            if isinstance(piece, Picture):
                keys += [(piece.digest, number) for number in range(self._patches(piece.image))]
            elif isinstance(piece, Said):
                keys += piece.ids
            else:
                keys += self._ids(piece)
        return keys

    def _ids(self, piece: Markup | Words) -> list[int]:
        tokenizer = self.runner.tokenizer
        ids = tokenizer.markup(piece.text) if isinstance(piece, Markup) else tokenizer.plain(piece.text)
        if self.module.image_token_id in ids:
            raise ValueError(f"{IMAGE_PAD} stands in a prompt; a picture is a piece of its own")
        return ids

    def _patches(self, image: Image.Image) -> int:
        size = self.processor.target_size(Size(*image.size))
        return (size.width // self.processor.cell) * (size.height // self.processor.cell)

    def _shared(self, keys: Sequence[_Key]) -> int:
        """Tokens of a prompt that need not be computed: all but the last at the most, and no part of a picture."""
        most = min(len(keys) - 1, len(self._keys))
        same = next((n for n in range(most) if keys[n] != self._keys[n]), most)
        at = keys[same] if same < len(keys) else 0
        return same - at[1] if isinstance(at, tuple) else same

    def _read(self, keys: Sequence[_Key], pictures: dict[str, Image.Image]) -> Tensor:
        """Brings what is kept to a whole prompt; the state [d] of its last token."""
        self._cut(self._shared(keys))
        rest = keys[self.kept :]
        for key in rest:
            if isinstance(key, tuple) and key[1] == 0 and key[0] not in self._views:
                self._check()
                self._views[key[0]] = self.runner.view(pictures[key[0]], self.processor, {})
        return self._decode(rest, pictures, self._views)

    def _cut(self, length: int) -> None:
        for layer in self._cache.layers:
            layer.crop(length - layer.get_seq_length())
        del self._keys[length:]
        self._positions = self._positions[..., :length]

    def _decode(self, keys: Sequence[_Key], pictures: dict[str, Image.Image], views: dict[str, View]) -> Tensor:
        """Adds tokens to what is kept, in chunks; a chunk that fails adds nothing."""
        module, runner = self.module, self.runner
        shown = [views[key[0]] for key in keys if isinstance(key, tuple) and key[1] == 0]
        ids = runner.ids([module.image_token_id if isinstance(key, tuple) else key for key in keys])
        merged = torch.cat([view.sight.merged for view in shown]) if shown else None
        embeds = module.embed(ids, merged)
        positions = self._positions_of(ids, shown)
        pads = ids == module.image_token_id
        levels = [torch.cat(parts) for parts in zip(*(view.sight.levels for view in shown), strict=True)]
        passed = 0
        states = embeds
        for start in range(0, len(keys), CHUNK):
            self._check()
            part = slice(start, start + CHUNK)
            here = int(pads[:, part].sum())
            deep = DeepStack(pads[:, part], tuple(level[passed : passed + here] for level in levels)) if here else None
            try:
                states = module.decode(embeds[:, part], positions[..., part], cache=self._cache, deep=deep)
            except BaseException:
                self._cut(self.kept)
                raise
            self._keys += keys[part]
            self._positions = torch.cat([self._positions, positions[..., part]], dim=-1)
            passed += here
        return states[0, -1]

    def _positions_of(self, ids: Tensor, shown: Sequence[View]) -> Tensor:
        """[3, 1, n] going on from what is kept."""
        following = int(self._positions.max()) + 1 if self.kept else 0
        if shown:
            return self.module.positions(ids, torch.cat([view.grid for view in shown])) + following
        steps = torch.arange(ids.shape[1], device=ids.device) + following
        return steps.expand(3, 1, -1)


class _Answer:
    """The likeliest token each time; each is read before the next is chosen."""

    def __init__(self, writer: LocalWriter, last: Tensor) -> None:
        self._writer, self._last = writer, last
        self._token: int | None = None

    def choose(self, allowed: Allowed) -> int:
        self._writer._check()
        if self._token is not None:
            self._last = self._writer.append(self._token)
        logits = self._writer.next_logits(self._last)
        barred = torch.from_numpy(~allowed).to(logits.device)
        self._token = int(logits.masked_fill(barred, -np.inf).argmax())
        return self._token


def _go_on() -> None:
    """Nobody asks to stop."""
