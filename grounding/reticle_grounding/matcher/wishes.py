"""Wishes known by heart: for many labels of programs, how people ask for them without saying them.

The phrase tower generalises: it says how near a wish is to a label nobody has shown it. Most labels are no such labels
but those that programs share, and for these it is enough to remember what people say: a label that was read is looked
up among the known ones, and the wishes known for it are compared with the instruction. Calibration weighs both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from torch import Tensor

from reticle_grounding.errors import CheckpointError

from .files import read_tensors, write_tensors
from .quantised import Quantised
from .sentences import DIM

FILE = "label-wishes.safetensors"
LEAN = 128
"""Length of what is kept of the phrase tower's vectors: the directions in which they differ most, brought to norm 1."""
NEAR = 8
"""Known labels that are looked at for each text."""
LEAST = 0.7
"""Texts and known labels that agree less have nothing to do with each other."""
SAME = 0.9
"""Known labels that agree so much with a text are counted as the text itself."""
OFTEN = 5.0
"""The logarithm of so many wishes, about 150, counts as 1."""

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class KnownTexts:
    """What is known of the texts of one screenshot."""

    place: npt.NDArray[np.int64]
    """[texts, near] where each text's nearest known labels stand in ``starts``."""
    doubt: Scores
    """[texts, near] what each of these lacks to the text, 0..1 - LEAST; infinite where it has nothing to do with it."""
    often: Scores
    """[texts] how many wishes are known for the text itself, as a logarithm; 0 where none is."""
    wishes: npt.NDArray[np.float32]
    """[wishes, LEAN] of all these labels, label by label; rows of norm 1."""
    starts: npt.NDArray[np.int64]
    """[labels] where each label's wishes begin; none is without any."""
    basis: Tensor
    """[DIM, LEAN]."""

    def heard(self, asked: npt.NDArray[np.float32]) -> Scores:
        """[texts] how well the best of ``asked`` [n, DIM] agrees with the best wish for each text, less what the known
        label lacks to the text; 0 where nothing is known."""
        if not len(self.starts):
            return np.zeros(len(self.often), np.float32)
        lean = projected(torch.from_numpy(asked), self.basis).numpy()
        best = np.maximum.reduceat((self.wishes @ lean.T).max(axis=1), self.starts)
        return cast(Scores, np.maximum((best[self.place] - self.doubt).max(axis=1), 0.0).astype(np.float32))


def projected(said: Tensor, basis: Tensor) -> Tensor:
    """[n, DIM] vectors of the phrase tower -> [n, LEAN], rows of norm 1."""
    return torch.nn.functional.normalize(said @ basis, dim=1)


class WishMemory:
    """Labels and the wishes known for each.

    Args:
        basis: [DIM, LEAN] what the phrase tower says is projected with.
        labels: [n, LEAN] projected vectors of labels.
        wishes: those of their wishes, label by label.
        counts: [n] how many wishes each label has, at least one.
    """

    def __init__(self, basis: Tensor, labels: Tensor, wishes: Quantised, counts: Tensor) -> None:
        self._basis, self._labels, self._wishes = basis, labels, wishes
        self._counts = counts.long()
        self._starts = self._counts.cumsum(0) - self._counts

    @torch.inference_mode()
    def known(self, read: npt.NDArray[np.float32]) -> KnownTexts:
        """What is known of texts, given as the phrase tower says them: [texts, DIM]."""
        near = min(NEAR, len(self._labels))
        agreed, labels = (projected(torch.from_numpy(read), self._basis) @ self._labels.T).topk(near, dim=1)
        related = agreed >= LEAST
        distinct, place = torch.unique(labels[related]), torch.zeros_like(labels)
        place[related] = torch.searchsorted(distinct, labels[related])
        counts = self._counts[distinct]
        starts = counts.cumsum(0) - counts
        rows = torch.arange(int(counts.sum())) + (self._starts[distinct] - starts).repeat_interleave(counts)
        often = torch.log1p((self._counts[labels] * (agreed >= SAME)).sum(dim=1)) / OFTEN
        return KnownTexts(
            place.numpy(),
            torch.where(related, 1 - agreed, torch.inf).numpy(),
            often.numpy(),
            Quantised(self._wishes.codes[rows], self._wishes.book).vectors().numpy(),
            starts.numpy(),
            self._basis,
        )


def save(folder: Path, basis: Tensor, labels: Quantised, wishes: Quantised, counts: Sequence[int]) -> Path:
    """Writes what :func:`load` reads.

    Args:
        basis: [DIM, LEAN] what the phrase tower says was projected with.
        labels: [n, LEAN] projected vectors of labels.
        wishes: [sum of counts, LEAN] those of their wishes, label by label.
        counts: [n] how many wishes each label has, at least one.
    """
    tensors = {"labels": labels.codes, "labels.book": labels.book, "wishes": wishes.codes, "wishes.book": wishes.book}
    tensors |= {"basis": basis, "counts": torch.tensor(counts, dtype=torch.int32)}
    return write_tensors(folder / FILE, tensors, {})


def load(folder: Path) -> WishMemory:
    """Reads what :func:`save` wrote. Raises CheckpointError naming the file and what does not fit."""
    path = folder / FILE
    try:
        stored, _ = read_tensors(path)
        labels = Quantised(stored["labels"], stored["labels.book"]).vectors()
        wishes, counts = Quantised(stored["wishes"], stored["wishes.book"]), stored["counts"]
        basis = stored["basis"].float()
    except (OSError, SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"cannot read the wishes known by heart {path}: {error}") from error
    width = wishes.book.shape[0] * wishes.book.shape[2]
    fits = basis.shape == (DIM, LEAN) and labels.shape == (len(counts), LEAN) and width == LEAN and len(counts) > 0
    if not fits or int(counts.min()) < 1 or int(counts.sum()) != len(wishes.codes):
        raise CheckpointError(f"the wishes known by heart {path} do not fit this version: make them anew")
    return WishMemory(basis, labels, wishes, counts)
