"""Random colour schemes, light, dark and of high contrast, as Qt palettes."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from random import Random

from PySide6.QtGui import QColor, QPalette


@dataclass(frozen=True, slots=True)
class Colors:
    """Colours of one look, as ``#rrggbb``."""

    name: str
    dark: bool
    window: str
    base: str
    alternate: str
    text: str
    muted: str
    button: str
    border: str
    accent: str
    on_accent: str


def hsl(hue: float, saturation: float, lightness: float) -> str:
    """``#rrggbb`` of a colour; all arguments in 0..1, clipped."""
    parts = colorsys.hls_to_rgb(hue % 1.0, min(1.0, max(0.0, lightness)), min(1.0, max(0.0, saturation)))
    return "#" + "".join(f"{round(255 * p):02x}" for p in parts)


def luminance(color: str) -> float:
    """Relative luminance, 0..1 (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1..21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def readable_on(background: str) -> str:
    """Black or white, whichever is easier to read."""
    return "#ffffff" if contrast("#ffffff", background) >= contrast("#000000", background) * 0.7 else "#101010"


def random_colors(rng: Random) -> Colors:
    """A scheme: two in five dark, one in twelve of high contrast."""
    if rng.random() < 0.08:
        return _high_contrast(rng)
    dark = rng.random() < 0.42
    hue = rng.random()
    tint = rng.choice((0.0, 0.0, 0.03, 0.08, 0.15, 0.28))
    accent = hsl(rng.random(), rng.uniform(0.35, 0.95), rng.uniform(0.35, 0.6))
    return (_dark if dark else _light)(rng, hue, tint, accent)


def _light(rng: Random, hue: float, tint: float, accent: str) -> Colors:
    ground = rng.uniform(0.84, 0.975)
    base = rng.choice((1.0, 1.0, 0.985, ground + 0.02))
    ink = rng.choice((0.0, 0.08, 0.15, 0.22))
    return Colors(
        name="tinted light" if tint > 0.05 else "light",
        dark=False,
        window=hsl(hue, tint, ground),
        base=hsl(hue, tint / 2, base),
        alternate=hsl(hue, tint, base - rng.uniform(0.02, 0.05)),
        text=hsl(hue, tint, ink),
        muted=hsl(hue, tint, 0.42),
        button=hsl(hue, tint, ground + rng.uniform(-0.06, 0.04)),
        border=hsl(hue, tint, ground - rng.uniform(0.1, 0.3)),
        accent=accent,
        on_accent=readable_on(accent),
    )


def _dark(rng: Random, hue: float, tint: float, accent: str) -> Colors:
    ground = rng.uniform(0.07, 0.26)
    base = max(0.02, ground + rng.choice((-0.05, -0.03, 0.02, 0.04)))
    ink = rng.uniform(0.8, 0.98)
    return Colors(
        name="tinted dark" if tint > 0.05 else "dark",
        dark=True,
        window=hsl(hue, tint, ground),
        base=hsl(hue, tint, base),
        alternate=hsl(hue, tint, base + 0.03),
        text=hsl(hue, tint / 2, ink),
        muted=hsl(hue, tint / 2, 0.62),
        button=hsl(hue, tint, ground + rng.uniform(0.02, 0.1)),
        border=hsl(hue, tint, ground + rng.uniform(0.12, 0.25)),
        accent=accent,
        on_accent=readable_on(accent),
    )


def _high_contrast(rng: Random) -> Colors:
    dark = rng.random() < 0.6
    ground, ink = ("#000000", rng.choice(("#ffffff", "#ffff00", "#00ff66"))) if dark else ("#ffffff", "#000000")
    accent = rng.choice(("#1aebff", "#ffd700", "#ff66ff")) if dark else rng.choice(("#0000c8", "#6a006a", "#8b0000"))
    return Colors("high contrast", dark, ground, ground, ground, ink, ink, ground, ink, accent, readable_on(accent))


def qt_palette(colors: Colors) -> QPalette:
    """The scheme as a palette with all roles that styles read."""
    palette = QPalette(QColor(colors.button), QColor(colors.window))
    role = QPalette.ColorRole
    for roles, value in (
        ((role.Window,), colors.window),
        ((role.Base, role.ToolTipBase), colors.base),
        ((role.AlternateBase,), colors.alternate),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), colors.text),
        ((role.Button,), colors.button),
        ((role.Highlight, role.Accent), colors.accent),
        ((role.HighlightedText,), colors.on_accent),
        ((role.PlaceholderText,), colors.muted),
        ((role.Link,), colors.accent if contrast(colors.accent, colors.window) > 3 else colors.text),
    ):
        for one in roles:
            palette.setColor(one, QColor(value))
    for one in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, one, QColor(colors.muted))
    return palette
