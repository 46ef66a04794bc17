"""The key-value cache of a whole run: screenshots and instructions, one after the other, on one growing prompt.

A prompt of many screenshots is never computed twice. Each new screenshot is prefilled on what is cached, each
instruction is asked on top of it and taken back, and what is to be remembered of an answer is written behind it. Under
a memory budget the patches of older screenshots that look the same in the next one are dropped first, then whole old
steps; keys keep the positions they were computed at.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

import torch
from PIL import Image
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Size
from reticle_grounding.reading import Reading, Vectors
from reticle_grounding.types import FloatMap

from . import prompts
from .column_memory import ColumnMemory
from .compaction import Pixels, latest_steps, stale_tokens, unchanged_patches, wanted_tokens
from .families import DeepStack
from .focusui import FocusUI
from .growing_cache import GrowingCache
from .gui_actor import GuiActor
from .gui_aima import AimaScreen, GuiAima
from .partial import PartialActor
from .pointer_model import PointerModel
from .screens import EncodedScreen, Remembering, Timings, as_map, restored, timed
from .sparse_prefill import map_of, set_map
from .token_map import TokenMap

NEXT_TURN = "<|im_end|>\n<|im_start|>user\n<|vision_start|>"
"""What stands between an answer and the next screenshot."""
NEXT_PICTURE = "<|vision_end|><|vision_start|>"
"""What stands between two screenshots without an answer."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One screenshot of a history."""

    number: int
    """Of the step it begins in the token map."""
    shape: tuple[int, int]
    """Rows and columns of patches."""
    kept: int
    """Patches that are still in the cache."""
    milliseconds: float
    """From the picture to its keys and values, everything included."""


class History:
    """Owns the cache of one run. Use from one thread.

    A step that fails half-way adds nothing; what was dropped to make room for it stays dropped.
    """

    def __init__(self, model: PointerModel, budget: int | None = None, most: int | None = None) -> None:
        """Args:
            model: a pointer model that reads all patches of a screenshot (see :func:`remembering_method`). Where no
                prefill mode was chosen for it, "auto" is.
            budget: bytes that the keys and values of what is remembered may take; None for no limit. An instruction
                that is only asked takes its few tokens on top, for that long.
            most: screenshots that are remembered beside the newest; None for no limit.

        Raises BadInput for a model that cannot keep one, an impossible budget or number.
        """
        self.method: Remembering = remembering_method(model)
        if budget is not None and budget < 1:
            raise BadInput(f"the memory budget of a history is {budget} bytes; it must be positive")
        if most is not None and most < 1:
            raise BadInput(f"a history of {most} screenshots was asked for; it must be at least 1")
        self.model, self.budget, self.most = model, budget, most
        if model.prefill is None:
            model.use_prefill("auto")
        self.cache = GrowingCache(int(model.module.config.text_config.num_hidden_layers))
        self.stale: Tensor = torch.zeros(0, dtype=torch.bool)
        """[length] patches that the next screenshot shows unchanged."""
        self.shots: list[Shot] = []
        self.screen: EncodedScreen | None = None
        """The newest screenshot, which instructions are asked about."""
        self.picture: Pixels | None = None
        """Model pixels of the newest screenshot."""
        self.capture = Size(0, 0)
        """Capture pixels of the newest screenshot."""
        self.next_position = 0
        """M-RoPE position of the next token of text."""
        self.answered = False
        """An answer stands behind the newest screenshot."""
        self._before_newest: _Before | None = None

    @property
    def tokens(self) -> TokenMap:
        """What the cache holds."""
        return map_of(self.cache).cut(self.length)

    @property
    def length(self) -> int:
        """Tokens in the cache."""
        length: int = self.cache.get_seq_length()
        return length

    @property
    def token_bytes(self) -> int:
        """Bytes that one token takes in the cache."""
        config = self.model.module.config.text_config
        width = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
        element = int(next(self.model.module.backbone.model.language_model.parameters()).element_size())
        return 2 * int(config.num_hidden_layers) * int(config.num_key_value_heads) * width * element

    @property
    def bytes(self) -> int:
        """Bytes of keys and values."""
        return self.length * self.token_bytes

    @torch.inference_mode()
    def see(self, image: Image.Image, reading: Reading | None = None) -> Shot:
        """Adds a screenshot: RGB capture pixels, and what was read on it for a model with a reading channel.

        Raises BadInput for impossible sides, or when the budget cannot hold even this screenshot.
        """
        started = time.perf_counter()
        timings: Timings = {}
        runner, module = self.model.runner, self.model.module
        view = runner.view(image, self.model.processor, timings, reading)
        if view.kept is not None:
            raise BadInput(f"{self.model.name} drops patches before reading a screenshot; a history needs them all")
        ids = runner.ids(self._before(view.sight.merged.shape[0]))
        with timed(timings, "compact"):
            stale = stale_tokens(self.tokens, self.stale, unchanged_patches(self.picture, view.pixels, view.map_shape))
            stale = self._make_room(ids.shape[1], stale, self.shots[-1].number + 1 if self.shots else 0, self.most)
        before = self._state(stale)
        with timed(timings, "prefill"):
            positions = module.positions(ids, view.grid) + self.next_position
            given = (module.embed(ids, view.sight.merged), positions)
            run = partial(self._append, *given, deep=runner.deep(ids, view.sight))
            own = self.method.seen(ids, view, self.length, run)
        self.stale = torch.cat([stale, torch.zeros(ids.shape[1], dtype=torch.bool)])
        self.picture, self.capture, self.answered = view.pixels, Size(*image.size), False
        self.next_position = int(positions.max()) + 1
        common = (view.transform, view.map_shape, self.cache, self.length, self.next_position, timings)
        self.screen = self.method.screen_type()(*common, **own)
        taken = (time.perf_counter() - started) * 1000
        self.shots.append(Shot(int(self.tokens.step[-1]), view.map_shape, view.sight.merged.shape[0], taken))
        self._before_newest = before
        return self.shots[-1]

    @torch.inference_mode()
    def forget_newest(self) -> None:
        """Takes the newest screenshot back, with its answer; what was dropped to make room for it stays dropped.

        Raises BadInput when there is none that was seen since the history was opened, forked or compacted.
        """
        before = self._before_newest
        if before is None:
            raise BadInput("there is no newest screenshot that could be taken back")
        with restored(self.cache, before.length):
            pass
        self.cache.memory.restore(before.memory)
        self.stale, self.shots, self.screen = before.stale, list(before.shots), before.screen
        self.picture, self.capture, self.answered = before.picture, before.capture, before.answered
        self.next_position, self._before_newest = before.next_position, None

    def _state(self, stale: Tensor) -> _Before:
        return _Before(
            self.length, stale, tuple(self.shots), self.screen, self.picture, self.capture, self.answered,
            self.next_position, self.cache.memory.copy(),
        )  # fmt: skip

    def ask(self, instruction: str, vector: Vectors | None = None) -> FloatMap:
        """Where on the newest screenshot: [rows, columns], sums to 1. The history is left as it was.

        ``vector`` [1, SENSE] as in ``PointerModel.attend``. Raises BadInput for an unusable instruction, or when there
        is no screenshot yet or it was answered already.
        """
        return self.model.attend(self._open_screen(), instruction, vector)

    @torch.inference_mode()
    def settle(self, instruction: str, vector: Vectors | None = None) -> FloatMap:
        """As :meth:`ask`, and writes the instruction and the answer behind the screenshot."""
        screen = self._open_screen()
        text = prompts.check_instruction(instruction)
        runner, module = self.model.runner, self.model.module
        ids = runner.ids([*runner.question(text), *runner.tokenizer.markup(runner.profile.answer_end)])
        self.stale = self._make_room(ids.shape[1], self.stale, self.shots[-1].number)
        embeds = module.embed(ids)
        if vector is not None and self.model.channel is not None:
            asked = self.model.channel.asked(torch.from_numpy(vector).float().to(runner.device))
            embeds = embeds + (ids == module.pointer_pad_id)[..., None] * asked.to(embeds)
        steps = torch.arange(ids.shape[1], device=runner.device) + self.next_position
        attention = self.method.settled(screen, ids, partial(self._append, embeds, steps.expand(3, 1, -1)))
        self.stale = torch.cat([self.stale, torch.zeros(ids.shape[1], dtype=torch.bool)])
        self.next_position += ids.shape[1]
        self.answered = True
        return as_map(attention, screen.map_shape)

    @torch.inference_mode()
    def fork(self) -> History:
        """A second history with the same past; both go on by themselves and share the memory of what they share."""
        other = History(self.model, self.budget, self.most)
        self.cache.share(other.cache)
        set_map(other.cache, self.tokens)
        other.stale, other.shots, other.picture = self.stale, list(self.shots), self.picture
        other.capture = self.capture
        other.next_position, other.answered = self.next_position, self.answered
        other.screen = None if self.screen is None else replace(self.screen, cache=other.cache)
        return other

    @torch.inference_mode()
    def compact(self) -> int:
        """Drops all patches of older screenshots that the next one shows unchanged; returns how many."""
        before = self.length
        self.stale = self._keep(~self.stale, self.stale)
        return before - self.length

    def _before(self, patches: int) -> list[int]:
        """Ids up to the last patch of the next screenshot."""
        runner = self.model.runner
        if not self.shots:
            return runner.opening(patches)
        between = NEXT_TURN if self.answered else NEXT_PICTURE
        return runner.tokenizer.before(between + prompts.IMAGE_PAD, patches)

    def _append(
        self,
        embeds: Tensor,
        positions: Tensor,
        wanted: Tensor | None = None,
        rows: object = None,
        deep: DeepStack | None = None,
    ) -> Tensor:
        """Runs tokens on the cache and keeps them, all or none; ``wanted`` and ``rows`` as for ``decode``."""
        length, module = self.length, self.model.module
        try:
            return module.decode(embeds, positions, cache=self.cache, deep=deep, wanted=wanted, rows=rows)
        except BaseException:
            with restored(self.cache, length):
                raise

    def _open_screen(self) -> EncodedScreen:
        if self.screen is None:
            raise BadInput("this history has no screenshot yet; show it one first")
        if self.answered:
            raise BadInput("the newest screenshot of this history is answered; show it the next one first")
        return self.screen

    def _make_room(self, new: int, stale: Tensor, first_kept: int, most: int | None = None) -> Tensor:
        """Drops what must go before ``new`` tokens come, and all steps but the last ``most``; returns which of the
        others are stale.

        Raises BadInput when the budget cannot hold them with what must stay, before anything is dropped.
        """
        wanted = latest_steps(self.tokens, most)
        if self.budget is None:
            return stale if bool(wanted.all()) else self._keep(wanted, stale)
        limit = self.budget // self.token_bytes - new
        if int(wanted.sum()) > limit:
            wanted = wanted_tokens(self.tokens, stale | ~wanted, limit, first_kept)
        elif bool(wanted.all()):
            return stale
        left = int(wanted.sum())
        if left > limit:
            raise BadInput(
                f"the memory budget of {self.budget} bytes holds {self.budget // self.token_bytes} tokens of "
                f"{self.token_bytes} bytes, but {left + new} must stay; "
                f"allow at least {(left + new) * self.token_bytes}"
            )
        return self._keep(wanted, stale)

    def _keep(self, wanted: Tensor, stale: Tensor) -> Tensor:
        """Leaves only these tokens [length] in the cache; returns which of them are stale."""
        index = wanted.nonzero().squeeze(1)
        tokens = self.tokens.take(index)
        self.cache.take(index)
        set_map(self.cache, tokens)
        if self.screen is not None:
            self.screen = _after_compaction(self.screen, wanted)
        self._before_newest = None
        self._count()
        return stale[index]

    def _count(self) -> None:
        """Brings the numbers of kept patches up to date."""
        steps = self.tokens.step[self.tokens.visual]
        counts = {s: int((steps == s).sum()) for s in torch.unique(steps).tolist()}
        self.shots = [replace(shot, kept=counts.get(shot.number, 0)) for shot in self.shots]


@dataclass(frozen=True, slots=True)
class _Before:
    """A history as it was before its newest screenshot."""

    length: int
    stale: Tensor
    shots: tuple[Shot, ...]
    screen: EncodedScreen | None
    picture: Pixels | None
    capture: Size
    answered: bool
    next_position: int
    memory: ColumnMemory


def remembering_method(model: PointerModel) -> Remembering:
    """How a model answers on a history. Raises BadInput naming why one that cannot keep a history cannot."""
    method, why = model.method, "it has no pointer, so it can judge only"
    if isinstance(method, FocusUI):
        method = method.dropping_nothing or method
    if model.module.points and isinstance(method, GuiActor | GuiAima):
        return method
    if isinstance(method, FocusUI):
        why = "it drops patches by each instruction, so no prefix of several screenshots stays; keep all patches"
    elif isinstance(method, PartialActor):
        why = "its selection drops patches of each screenshot; open it without one"
    raise BadInput(f"{model.name} cannot keep a history: {why}")


def _after_compaction(screen: EncodedScreen, wanted: Tensor) -> EncodedScreen:
    """The newest screen in a cache of which only the ``wanted`` tokens [length] are left."""
    prefix = int(wanted.sum())
    if not isinstance(screen, AimaScreen):
        return replace(screen, prefix_length=prefix)
    start = int(wanted[: screen.patches.start].sum())
    stop = start + screen.patches.stop - screen.patches.start
    return replace(screen, prefix_length=prefix, patches=slice(start, stop))
