"""The attention map as a translucent picture, one pixel per patch; the view scales it smoothly."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage

from reticle_grounding.types import FloatMap

STOPS = np.array(
    [[0.00, 30, 60, 180, 0], [0.15, 40, 110, 220, 70], [0.45, 60, 200, 170, 150], [0.7, 250, 200, 60, 200],
     [1.00, 225, 50, 40, 235]]
)  # fmt: skip
"""Level 0..1 and the RGBA colour there; between stops linear."""


def heat_image(attention: FloatMap) -> QImage:
    """Colours a map [n_h, n_w] relative to its largest value; a flat or empty map is fully transparent."""
    n_h, n_w = attention.shape
    low = attention.min() if attention.size else 0.0
    span = float((attention - low).max(initial=0.0))
    level = np.sqrt((attention - low) / span) if span > 0 else np.zeros_like(attention)
    rgba = np.stack([np.interp(level, STOPS[:, 0], STOPS[:, c]) for c in range(1, 5)], axis=-1)  # [n_h, n_w, 4]
    pixels = np.ascontiguousarray(rgba.round().astype(np.uint8))
    return QImage(pixels.data, n_w, n_h, n_w * 4, QImage.Format.Format_RGBA8888).copy()
