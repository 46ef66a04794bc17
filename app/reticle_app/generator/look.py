"""The look of one screen: Qt style, colours, style sheet, font, sizes and icons, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from reticle_grounding.errors import BadInput
from reticle_grounding.training import fonts

from .icons import families
from .palettes import Colors, qt_palette, random_colors
from .qss import THEMES, style_sheet

APPS = 60
"""How many made-up programs there are; each has its own icon families, fonts and theme."""
SCALES = (1.0, 1.0, 1.0, 1.0, 1.0, 1.25, 1.5, 2.0)


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that decides how the widgets of a screen are drawn."""

    app: str
    style: str
    theme: str
    colors: Colors
    sheet: str
    font: str
    points: float
    scale: float
    icons: tuple[str, ...]
    icon_size: int

    @property
    def theme_name(self) -> str:
        return f"{self.style} {self.theme} {self.colors.name}"

    def dress(self, widget: QWidget) -> None:
        """Gives a top-level widget this look; its children follow."""
        widget.setStyleSheet(self.sheet)

    def apply(self) -> None:
        """Makes this the look of all widgets from now on, but for the style sheet: see :meth:`dress`."""
        QApplication.setFont(_font(self.font, self.points))
        QApplication.setPalette(qt_palette(self.colors))


def _font(family: str, points: float) -> QFont:
    font = QFont(family)
    font.setPointSizeF(points)
    return font


def random_look(rng: Random, scale: float | None = None) -> Look:
    """A look of one of the made-up programs: its theme, fonts and icons; the rest is drawn for this screen.

    Raises BadInput when no usable font is installed.
    """
    number = rng.randrange(APPS)
    own = Random(f"program {number}")
    theme, style = own.choice(THEMES), own.choice([*sorted(QStyleFactory.keys()), "Fusion"])
    liked = tuple(own.sample(families(), 4))
    faces = [font_family(str(_font_file(own))) for _ in range(3)]
    colors = random_colors(rng)
    return Look(
        app=f"qtgen-{number:02d}",
        style=style,
        theme=theme,
        colors=colors,
        sheet=style_sheet(theme, colors, rng),
        font=rng.choice(faces),
        points=rng.choice((8.0, 9.0, 9.0, 10.0, 10.0, 10.0, 11.0, 11.0, 12.0, 13.0)),
        scale=scale or rng.choice(SCALES),
        icons=tuple(rng.sample(liked, len(liked))),
        icon_size=rng.choice((16, 16, 20, 22, 24, 24, 32, 48)),
    )


def varied(look: Look, rng: Random) -> Look:
    """Another program on the same desktop: same style and scale, other colours, font and icons."""
    other = random_look(rng, look.scale)
    return Look(
        look.app, look.style, other.theme, other.colors, other.sheet, other.font, other.points, look.scale, other.icons,
        other.icon_size,
    )  # fmt: skip


def _font_file(rng: Random) -> Path:
    draw = rng.random()
    return fonts.choose(rng, fonts.SANS if draw < 0.86 else fonts.OTHER if draw < 0.93 else fonts.SERIF)


@lru_cache(maxsize=256)
def font_family(file: str) -> str:
    """Family name of a font file. Raises BadInput when Qt cannot read it."""
    names = QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(file))
    if not names:
        raise BadInput(f"Qt cannot read the font {file}; reinstall it or remove it")
    return names[0]
