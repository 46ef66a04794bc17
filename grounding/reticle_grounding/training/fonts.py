"""Fonts that screens are painted with: found on this computer, chosen by family."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from PIL import ImageFont

from reticle_grounding.errors import BadInput

ROOTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
SANS = (
    "DejaVuSans.ttf",
    "DejaVuSans.ttf",
    "DejaVuSansCondensed.ttf",
    "LiberationSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "NotoSans-Regular.ttf",
    "NotoSans-Regular.ttf",
    "Cantarell-Regular.otf",
    "Cantarell-VF.otf",
    "Roboto-Regular.ttf",
    "OpenSans-Regular.ttf",
    "OpenSans-Regular.ttf",
    "Lato-Regular.ttf",
    "Inter.var.ttf",
    "FreeSans.ttf",
    "NotoSansDisplay-Regular.ttf",
)
BOLD = ("DejaVuSans-Bold.ttf", "LiberationSans-Bold.ttf", "NotoSans-Bold.ttf", "Roboto-Bold.ttf", "OpenSans-Bold.ttf")
OTHER = ("DejaVuSansMono.ttf", "LiberationMono-Regular.ttf", "Hack-Regular.ttf", "NotoSansMono-Regular.ttf")
SERIF = ("DejaVuSerif.ttf", "LiberationSerif-Regular.ttf", "NotoSerif-Regular.ttf", "FreeSerif.ttf")


@dataclass(frozen=True, slots=True)
class FontNames:
    """File names of the fonts that screens may be painted with, by use; a name listed twice is taken more often."""

    sans: tuple[str, ...]
    bold: tuple[str, ...]
    other: tuple[str, ...]
    """Of equal widths."""
    serif: tuple[str, ...]


TRAINING = FontNames(SANS, BOLD, OTHER, SERIF)
HELD_OUT = FontNames(
    sans=(
        "LiberationSansNarrow-Regular.ttf",
        "RobotoCondensed-Regular.ttf",
        "NimbusSansNarrow-Regular.otf",
        "URWGothic-Book.otf",
    ),
    bold=(
        "LiberationSansNarrow-Bold.ttf",
        "RobotoCondensed-Bold.ttf",
        "NimbusSansNarrow-Bold.otf",
        "URWGothic-Demi.otf",
    ),
    other=("NimbusMonoPS-Bold.otf", "FreeMonoBold.ttf"),
    serif=("DejaVuSerifCondensed.ttf", "P052-Roman.otf", "C059-Roman.otf", "URWBookman-Light.otf"),
)
"""Fonts of held-out screens alone: no screen that is trained on shows them."""


@lru_cache(maxsize=1)
def installed() -> dict[str, Path]:
    """Font files of this computer by file name."""
    return {path.name: path for root in ROOTS if root.is_dir() for path in sorted(root.rglob("*.[to]tf"))}


def choose(rng: Random, names: tuple[str, ...], otherwise: tuple[str, ...] = SANS) -> Path:
    """One of the named fonts that is installed, else one of ``otherwise``. Raises BadInput when there is none."""
    found = [name for name in names if name in installed()] or [name for name in otherwise if name in installed()]
    if not found:
        wanted = "fonts-dejavu or fonts-liberation" if otherwise is SANS else "fonts-liberation or fonts-urw-base35"
        raise BadInput(f"no usable font is installed; install {wanted}")
    return installed()[rng.choice(found)]


@dataclass(frozen=True)
class Face:
    """A font at a pixel size, with cached character advances."""

    path: Path
    size: int

    @property
    def font(self) -> ImageFont.FreeTypeFont:
        return _load(self.path, self.size)

    @property
    def height(self) -> int:
        ascent, descent = self.font.getmetrics()
        return ascent + descent

    def advances(self, text: str) -> list[float]:
        """Left edge of every character and the right edge of the last, from 0."""
        edges = [0.0]
        for char in text:
            edges.append(edges[-1] + _advance(self.path, self.size, char))
        return edges

    def width(self, text: str) -> int:
        return round(self.advances(text)[-1])

    def scaled(self, factor: float) -> Face:
        return Face(self.path, max(8, round(self.size * factor)))


@lru_cache(maxsize=512)
def _load(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=65536)
def _advance(path: Path, size: int, char: str) -> float:
    return _load(path, size).getlength(char)
