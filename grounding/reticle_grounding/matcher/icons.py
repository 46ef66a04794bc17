"""Icons known by heart: which picture of free icon sets a drawing on the screen is, and what that may be called.

A tower maps crops to short vectors in which renderings of one picture lie together, whatever its size, ink and ground;
the nearest remembered pictures then say, by their names, what the drawing is. The look tower (:mod:`.net`) generalises,
this one remembers; calibration weighs both. Beside the icons of sets there may be those of programs, under the names
that these give them (``PROGRAMS_FILE``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from reticle_grounding.errors import CheckpointError
from reticle_grounding.geometry import Rect

from .crops import Crops, cut
from .files import read_tensors, write_tensors
from .net import WIDTHS, LookTower
from .quantised import Quantised
from .sentences import DIM

FILE = "icons.safetensors"
USES_FILE = "icon-uses.safetensors"
PROGRAMS_FILE = "program-icons.safetensors"
CODE = 96
"""Length of the vectors by which pictures are told apart; all have norm 1."""
DOUBT = 1.0
"""What a name's agreement loses per missing likeness."""
NEIGHBOURS = 10
"""Remembered pictures that are looked at for each drawing."""
BATCH = 128


class IconTower(nn.Module):
    """[n, 3, SIDE, SIDE] in 0..1 -> [n, CODE]; every place of the last map counts by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.body = LookTower().body
        self.out = nn.Linear(WIDTHS[-1] * 16, CODE)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.out(self.body((x - 0.5) * 4).flatten(1)).float(), dim=-1)


def as_input(crops: Crops) -> Tensor:
    """[n, SIDE, SIDE, 3] uint8 -> what the tower takes."""
    pixels = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).float() / 255
    return pixels.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """What drawings are known as. Column 0 is the nearest remembered picture."""

    likeness: npt.NDArray[np.float32]
    """[drawings, NEIGHBOURS] -1..1; 1 is the very picture."""
    names: npt.NDArray[np.int64]
    """[drawings, NEIGHBOURS] numbers of their names."""
    distinct: npt.NDArray[np.int64]
    """[m] every name among them once."""
    place: npt.NDArray[np.int64]
    """[drawings, NEIGHBOURS] where each name stands in ``distinct``."""


class Wordings:
    """Ways to ask for each name.

    Args:
        meanings: [m, DIM] vectors of wordings, as the phrase tower says them.
        words: [w, 2] pairs (name, wording): what each name may be called.
        names: how many names there are; some may have no words.
    """

    def __init__(self, meanings: Tensor, words: Tensor, names: int) -> None:
        self.meanings = meanings.numpy()
        order = np.argsort(words[:, 0].numpy(), kind="stable")
        self._wordings = words[:, 1].long().numpy()[order]
        self._ends = np.searchsorted(words[:, 0].numpy()[order], np.arange(names), side="right")

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._ends)

    def agreement(self, asked: npt.NDArray[np.float32], names: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """[m] how well the best wording of each of ``names`` [m] agrees with the best of ``asked`` [n, DIM]; -1..1, and
        -1 where a name has no words."""
        spans = [self._wordings[self._ends[n - 1] if n else 0 : self._ends[n]] for n in names.tolist()]
        counts = np.array([len(span) for span in spans])
        scores = np.full(len(spans), -1.0, np.float32)
        if counts.sum():
            each = (self.meanings[np.concatenate(spans)] @ asked.T).max(axis=1)
            starts = np.cumsum([0, *counts[:-1]])[counts > 0]
            scores[counts > 0] = np.maximum.reduceat(each, starts)
        return scores

    def joined(self, more: Wordings) -> Wordings:
        """These, and those of further names, which are numbered on from the last of these."""
        both = copy(self)
        both.meanings = np.concatenate([self.meanings, more.meanings])
        both._wordings = np.concatenate([self._wordings, more._wordings + len(self.meanings)])
        both._ends = np.concatenate([self._ends, more._ends + len(self._wordings)])
        return both

    @classmethod
    def of(cls, stored: Mapping[str, Tensor], names: int, prefix: str = "") -> Wordings:
        """From the tensors ``meanings``, ``meanings.book`` and ``words`` of a file. Raises KeyError where one is
        missing, ValueError where they do not fit each other or so many names."""
        meanings = Quantised(stored[prefix + "meanings"], stored[prefix + "meanings.book"]).vectors()
        words = stored[prefix + "words"]
        if meanings.shape[1:] != (DIM,) or words.ndim != 2 or words.shape[1] != 2:
            raise ValueError(f"{prefix}meanings {tuple(meanings.shape)} and words {tuple(words.shape)}")
        if len(words) and not (int(words[:, 0].max()) < names and int(words[:, 1].max()) < len(meanings)):
            raise ValueError(f"{prefix}words tell of more than {names} names and {len(meanings)} wordings")
        return cls(meanings, words, names)


NO_WORDS = (torch.zeros(0, DIM), torch.zeros(0, 2, dtype=torch.int32))
"""Wordings and pairs of names that have none."""


class IconMemory:
    """Remembered pictures and the words for them.

    Args:
        pictures: [n, CODE] vectors, norm 1.
        named: [n] number of each picture's name.
        meanings: [m, DIM] vectors of wordings, as the phrase tower says them.
        words: [w, 2] pairs (name, wording): what each name may be called.
        uses: what programs use drawings of that name for, where that is told.
    """

    def __init__(
        self,
        tower: IconTower,
        pictures: Tensor,
        named: Tensor,
        meanings: Tensor,
        words: Tensor,
        uses: Wordings | None = None,
    ) -> None:
        self.tower, self.pictures = tower.eval(), pictures
        self._named = named.long().numpy()
        self._names = int(words[:, 0].max()) + 1
        self.words = Wordings(meanings, words, self._names)
        self.uses = uses

    def joined(self, pictures: Tensor, named: Tensor, words: Wordings, uses: Wordings) -> IconMemory:
        """This memory with further pictures [n, CODE] under names of their own; ``named`` [n] numbers these from 0."""
        both = copy(self)
        both.pictures = torch.cat([self.pictures, pictures])
        both._named = np.concatenate([self._named, named.long().numpy() + self._names])
        both.words = self.words.joined(words)
        both.uses = (self.uses or Wordings(*NO_WORDS, self._names)).joined(uses)
        both._names = len(both.words)
        return both

    def recall(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Recalled:
        """The remembered pictures nearest to parts of a [height, width, 3] picture."""
        count = min(NEIGHBOURS, len(self.pictures))
        if not rects:
            none = np.zeros((0, count), np.int64)
            return Recalled(np.zeros((0, count), np.float32), none, np.zeros(0, np.int64), none)
        parts = []
        with torch.inference_mode():
            for at in range(0, len(rects), BATCH):
                seen = self.tower(as_input(cut(image, rects[at : at + BATCH])))
                parts.append((seen @ self.pictures.T).topk(count, dim=1))
        likeness = np.concatenate([part.values.numpy() for part in parts])
        names = self._named[np.concatenate([part.indices.numpy() for part in parts])]
        distinct, place = np.unique(names, return_inverse=True)
        return Recalled(likeness, names, distinct, place.reshape(names.shape))

    def named(self, recalled: Recalled, asked: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """[drawings] how well the best of a drawing's names agrees with the best of ``asked`` [n, DIM], less where the
        drawing is less like what bears the name; about -1..1."""
        return _best_names(self.words, recalled, asked)

    def used(self, recalled: Recalled, asked: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """As :meth:`named`, by what programs use drawings of those names for; 0 where nothing is told."""
        if self.uses is None:
            return np.zeros(len(recalled.names), np.float32)
        return np.maximum(_best_names(self.uses, recalled, asked), np.float32(0.0))


def _best_names(words: Wordings, recalled: Recalled, asked: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if not len(recalled.names):
        return np.zeros(0, np.float32)
    scores = words.agreement(asked, recalled.distinct)[recalled.place] - DOUBT * (1 - recalled.likeness)
    return cast("npt.NDArray[np.float32]", scores.max(axis=1))


def save(folder: Path, tower: IconTower, kept: dict[str, Tensor], meta: dict[str, str]) -> Path:
    """Writes tower and memory with ``meta`` in the header; ``kept`` as :func:`load` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        f"tower.{k}": v.to(torch.bfloat16) if v.is_floating_point() else v for k, v in tower.state_dict().items()
    }
    return write_tensors(folder / FILE, weights | kept, {"reticle": json.dumps(meta)})


def load(folder: Path) -> IconMemory:
    """Reads what :func:`save` wrote. Raises CheckpointError naming the file and what does not fit."""
    path = folder / FILE
    try:
        stored, _ = read_tensors(path)
        tower = IconTower()
        tower.load_state_dict({k.removeprefix("tower."): v for k, v in stored.items() if k.startswith("tower.")})
        pictures = Quantised(stored["pictures"], stored["pictures.book"]).vectors()
        meanings = Quantised(stored["meanings"], stored["meanings.book"]).vectors()
        named, words = stored["named"], stored["words"]
        uses = load_uses(folder, int(words[:, 0].max()) + 1, counts(stored))
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"cannot read the remembered icons {path}: {error}") from error
    fits = pictures.shape == (len(named), CODE) and meanings.shape[1] == DIM and words.ndim == 2 and len(words) > 0
    called = torch.unique(words[:, 0])
    all_called = torch.equal(called, torch.arange(len(called), dtype=called.dtype)) and int(named.max()) < len(called)
    if not fits or not all_called or int(words[:, 1].max()) >= len(meanings):
        raise CheckpointError(f"the remembered icons {path} do not fit this version: make them anew")
    tower = tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    memory = IconMemory(tower, pictures, named, meanings, words, uses)
    return _with_programs(memory, folder, counts(stored)) if (folder / PROGRAMS_FILE).is_file() else memory


def counts(stored: Mapping[str, Tensor]) -> str:
    """What tells the tensors of one memory from those of another, to which other uses belong."""
    return f"{len(stored['named'])} pictures, {len(stored['meanings'])} wordings"


def save_uses(folder: Path, kept: dict[str, Tensor], belongs_to: str) -> Path:
    """Writes what drawings are used for: ``meanings``, ``meanings.book``, ``words``, for :func:`load_uses`;
    ``belongs_to`` are the :func:`counts` of the memory."""
    return write_tensors(folder / USES_FILE, kept, {"of": belongs_to})


def load_uses(folder: Path, names: int, belongs_to: str) -> Wordings | None:
    """What drawings are used for, in a memory of so many names; None where the folder does not tell. Raises
    CheckpointError for a file that does not fit."""
    path = folder / USES_FILE
    if not path.is_file():
        return None
    try:
        stored, about = read_tensors(path)
        if about.get("of") != belongs_to:
            raise ValueError(f"it belongs to {about.get('of')}")
        return Wordings.of(stored, names)
    except ValueError as error:
        raise CheckpointError(
            f"{path} does not fit the remembered icons beside it ({belongs_to}): {error}; make it anew with "
            f"python -m reticle_grounding.training.icon_uses {folder}"
        ) from error
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"cannot read what icons are used for, {path}: {error}") from error


def save_programs(folder: Path, kept: dict[str, Tensor], belongs_to: str) -> Path:
    """Writes the icons of programs, as :func:`load` reads them beside a memory of these :func:`counts`. Raises OSError.

    Args:
        kept: ``pictures`` [n, places] and ``pictures.book``, ``named`` [n], and what :meth:`Wordings.of` reads for the
            names and, with ``uses.`` before, for their uses; the latter may be missing.
    """
    return write_tensors(folder / PROGRAMS_FILE, kept, {"of": belongs_to})


def _with_programs(memory: IconMemory, folder: Path, belongs_to: str) -> IconMemory:
    path = folder / PROGRAMS_FILE
    try:
        stored, about = read_tensors(path)
        pictures, named = Quantised(stored["pictures"], stored["pictures.book"]).vectors(), stored["named"]
        if pictures.shape != (len(named), CODE) or not len(named) or about.get("of") != belongs_to:
            raise ValueError(f"made for {about.get('of')}, and there are {belongs_to}")
        names = int(named.max()) + 1
        uses = Wordings.of(stored, names, "uses.") if "uses.words" in stored else Wordings(*NO_WORDS, names)
        return memory.joined(pictures, named, Wordings.of(stored, names), uses)
    except (OSError, SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"cannot use the icons of programs {path}: {error}; make them anew with "
            f"python -m reticle_grounding.training.program_icons {folder}"
        ) from error
