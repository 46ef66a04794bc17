"""Windows of a vision tower over the merged patches of a picture: which patches lie together, and which look alike.

A window holds ``side`` x ``side`` merged patches; those at the right and lower edges, and those whose patches were
dropped, hold fewer (Qwen2.5-VL, arXiv 2502.13923, section 2.1.1). Inside a window a layer sees nothing but the window,
and rotary positions only matter by their differences. Windows with equal pixels at equal places therefore have equal
states until the first layer without windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Merged patches in the order in which a tower takes them: window by window, the longest windows first."""

    cells: Cells
    """[K] number of each patch in reading order of the whole picture."""
    bounds: Cells
    """[W + 1] window ``w`` is ``cells[bounds[w]:bounds[w + 1]]``; no window is empty."""
    places: Cells
    """[W] number of each window in reading order of all windows of the picture."""

    def __len__(self) -> int:
        return len(self.places)

    def taken(self, chosen: Cells) -> Windows:
        """Only the windows of these rising indices."""
        parts = [self.cells[self.bounds[w] : self.bounds[w + 1]] for w in chosen]
        lengths = self.bounds[1:][chosen] - self.bounds[:-1][chosen]
        cells = np.concatenate(parts) if parts else self.cells[:0]
        return Windows(cells, np.concatenate([[0], np.cumsum(lengths)]), self.places[chosen])


def windows_of(shape: tuple[int, int], side: int, kept: Mask | None = None) -> Windows:
    """Windows of a [rows, columns] grid of merged patches, of which ``kept`` [rows * columns] are left."""
    rows, columns = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    owner = rows // side * -(-shape[1] // side) + columns // side
    left = np.arange(owner.size) if kept is None else np.flatnonzero(kept)
    order = left[np.argsort(owner[left], kind="stable")]
    places, lengths = np.unique(owner[order], return_counts=True)
    starts = np.cumsum(lengths) - lengths
    longest = np.argsort(-lengths, kind="stable")
    in_order = Windows(order, np.concatenate([starts, [order.size]]), places)
    return in_order.taken(longest)


def cut(pixels: Pixels, cell: int) -> Pixels:
    """[height, width, 3] -> [V, cell * cell * 3], the pixels of each merged patch in reading order."""
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    cells = pixels.reshape(rows, cell, columns, cell, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(cells).reshape(rows * columns, cell * cell * 3)


def fingerprints(windows: Windows, cells: Pixels, columns: int, side: int) -> list[bytes]:
    """What decides a window's states: places of its patches within the window, and all their pixels.

    Nothing is hashed away; two windows are alike exactly when their fingerprints are equal. ``cells`` is from
    :func:`cut`, ``columns`` the number of merged patches in a row of the picture.
    """
    rows, across = np.divmod(windows.cells, columns)
    within = ((rows % side) * side + across % side).astype(np.uint16)
    ends = range(len(windows))
    return [
        within[a:b].tobytes() + cells[windows.cells[a:b]].tobytes()
        for a, b in ((windows.bounds[w], windows.bounds[w + 1]) for w in ends)
    ]


def first_alike(prints: list[bytes]) -> tuple[Cells, Cells]:
    """The first window of each fingerprint [U], rising, and for every window the number of its fingerprint [W]."""
    number: dict[bytes, int] = {}
    firsts: list[int] = []
    owner = np.empty(len(prints), np.int64)
    for index, found in enumerate(prints):
        if found not in number:
            number[found] = len(firsts)
            firsts.append(index)
        owner[index] = number[found]
    return np.array(firsts, np.int64), owner


def flat(cells: Pixels) -> Mask:
    """[V] true for merged patches of one single colour; ``cells`` is from :func:`cut`."""
    colours = cells.reshape(cells.shape[0], -1, 3)
    return np.asarray((colours == colours[:, :1]).all(axis=(1, 2)))


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """Blank windows as one merged patch each."""

    kept: Mask
    """[V] true for the patches that are computed."""
    stands_for: Cells
    """[V] number of the computed patch that answers for each patch; its own where nothing was merged."""

    @property
    def counts(self) -> npt.NDArray[np.float32]:
        """[V] how many patches each computed patch stands for, 0 for those not computed."""
        return np.bincount(self.stands_for, minlength=self.kept.size).astype(np.float32)


def merge_blank(windows: Windows, cells: Pixels) -> Merged:
    """Every window of one single colour becomes its middle patch.

    Inside such a window all states are equal, whatever a layer with windows does, so this is exact up to the first
    layer without windows; there all its patches have the position of the middle one.
    """
    blank = flat(cells)
    kept, stands_for = np.ones(blank.size, np.bool_), np.arange(blank.size)
    for start, end in zip(windows.bounds[:-1], windows.bounds[1:], strict=True):
        members = windows.cells[start:end]
        if blank[members].all() and (cells[members] == cells[members[0]]).all():
            middle = members[len(members) // 2]
            kept[members], stands_for[members] = False, middle
            kept[middle] = True
    return Merged(kept, stands_for)
