"""The attention map as a translucent picture, one pixel per patch; the view scales it smoothly.

The colours of "safe" are those of Paul Tol's high-contrast scheme (dark blue, rose, sand): they differ for people with
any kind of colour blindness, and from dark to light also without any colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from reticle_app.translations import QT_TR_NOOP
from reticle_grounding.types import FloatMap

Palette = Literal["safe", "one"]
STOPS: Mapping[Palette, npt.NDArray[np.float64]] = {
    "safe": np.array(
        [[0.00, 0, 68, 136, 0], [0.15, 0, 68, 136, 90], [0.50, 187, 85, 102, 180], [1.00, 221, 170, 51, 235]]
    ),
    "one": np.array([[0.00, 0, 68, 136, 0], [1.00, 0, 68, 136, 235]]),
}
"""Level 0..1 and the RGBA colour there; between stops linear."""
PALETTE_NAMES: Mapping[Palette, str] = {"safe": QT_TR_NOOP("Blue to sand"), "one": QT_TR_NOOP("One colour")}


def heat_image(attention: FloatMap, palette: Palette = "safe") -> QImage:
    """Colours a map [n_h, n_w] relative to its largest value; a flat or empty map is fully transparent."""
    n_h, n_w = attention.shape
    pixels = np.ascontiguousarray(colours_at(levels(attention), palette))
    return QImage(pixels.data, n_w, n_h, n_w * 4, QImage.Format.Format_RGBA8888).copy()


def levels(attention: FloatMap) -> npt.NDArray[np.float64]:
    """The map between its lowest (0) and its highest value (1); square roots, so that weak places show, too."""
    low = attention.min() if attention.size else 0.0
    span = float((attention - low).max(initial=0.0))
    if span <= 0:
        return np.zeros(attention.shape)
    level: npt.NDArray[np.float64] = np.sqrt((attention - low) / span).astype(np.float64)
    return level


def colours_at(level: npt.NDArray[np.float64], palette: Palette) -> npt.NDArray[np.uint8]:
    """[..., 4] RGBA for levels of 0..1."""
    stops = STOPS[palette]
    channels = [np.interp(level, stops[:, 0], stops[:, c]) for c in range(1, 5)]
    colours: npt.NDArray[np.uint8] = np.stack(channels, axis=-1).round().astype(np.uint8)
    return colours
