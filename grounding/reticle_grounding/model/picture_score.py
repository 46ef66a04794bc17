"""What the pixels alone say about which merged patches matter: the UI graph and how much is drawn on a patch.

Needs neither words nor a model, so it can choose before the vision tower runs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from reticle_grounding.types import FloatMap

from .selection import SelectionRule, choose
from .ui_graph import Labels, Pixels, candidates, components, graph_weights

STEP = 16
"""Levels of 255 by which neighbouring pixels differ at an edge; less is a gradient or noise."""
FULL = 0.25
"""Share of edge pixels from which on a patch is full of detail; small text has about so much."""


def picture_scores(pixels: Pixels, cell: int, labels: Labels | None = None) -> FloatMap:
    """[rows, columns] in 0..1: half the weight in the UI graph, half the share of edges.

    The graph alone leaves most of a screen's details with the same score of 1; the edges tell a letter from the rim of
    a shadow. ``labels`` are the picture's :func:`.ui_graph.components` where they are known.
    """
    found = components(pixels, cell) if labels is None else labels
    return np.asarray(0.5 * graph_weights(found) + 0.5 * edge_shares(pixels, cell), np.float32)


def choose_by_picture(pixels: Pixels, cell: int, rule: SelectionRule) -> Tensor:
    """[V] true for the patches to keep: the best by :func:`picture_scores`, and one at least of every candidate."""
    labels = components(pixels, cell)
    scores = torch.from_numpy(picture_scores(pixels, cell, labels)).flatten()
    return choose(scores, rule, torch.empty(0, dtype=torch.long), torch.from_numpy(candidates(labels)).flatten())


def edge_shares(pixels: Pixels, cell: int) -> FloatMap:
    """[rows, columns] in 0..1: pixels of each patch that differ from the next to the right or below."""
    grey = pixels.max(axis=2).astype(np.int16)
    dark = pixels.min(axis=2).astype(np.int16)
    edges = _steps(grey) | _steps(dark)
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    shares = edges.reshape(rows, cell, columns, cell).mean(axis=(1, 3))
    return np.asarray(np.minimum(shares / FULL, 1), np.float32)


def _steps(plane: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    found = np.zeros(plane.shape, np.bool_)
    found[:, :-1] = np.abs(np.diff(plane, axis=1)) > STEP
    found[:-1] |= np.abs(np.diff(plane, axis=0)) > STEP
    return found
