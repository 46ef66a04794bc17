"""Gives a window its command palette and the list of its shortcuts."""

from __future__ import annotations

from PySide6.QtWidgets import QMainWindow

from reticle_app.commands import Commands
from reticle_app.theme import Theme
from reticle_app.translations import tr
from reticle_app.widgets.palette import CommandPalette


def offer_palette(window: QMainWindow, theme: Theme, commands: Commands, shared: Commands) -> CommandPalette:
    """Ctrl+Shift+P opens all commands, F1 those with shortcuts; ``shared`` is what every window can do."""
    palette = CommandPalette(window, theme, commands)
    group = tr("Windows")
    commands.add("palette.open", tr("Find a command"), palette.open, group=group, keys="Ctrl+Shift+P")
    commands.add("shortcuts.open", tr("Show all shortcuts"), lambda: palette.open("shortcuts"), group=group, keys="F1")
    commands.include(shared)
    return palette
