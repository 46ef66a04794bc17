"""All that can be done in a window, by name: what the command palette, the shortcuts and the tray icon read.

A window owns one :class:`Commands` and adds to it whatever it can do. What every window can do (open another window,
change the look) stands once, in commands without a window of their own that each window includes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QWidget


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be done."""

    id: str
    words: str
    """What it does, in the language in use."""
    group: str
    """Heading it stands under."""
    act: Callable[[], object]
    keys: tuple[str, ...] = ()
    """Shortcuts in Qt's portable form, the one to show first."""
    enabled: Callable[[], bool] = _always
    said_keys: str = ""
    """What to show in place of the keys, where they are many."""

    @property
    def shown_keys(self) -> str:
        """The first shortcut as this system writes it."""
        if self.said_keys:
            return self.said_keys
        return QKeySequence(self.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if self.keys else ""

    @property
    def searched(self) -> str:
        """What a search looks in; the identifier is English in every language."""
        return f"{self.words} {self.group} {self.id.replace('.', ' ')}"


def _leave(included: list[Commands], gone: Commands, *_: object) -> None:
    """A window is no more: what it included need not tell it of new commands."""
    for others in included:
        others._followers[:] = [follower for follower in others._followers if follower is not gone]


class Commands(QObject):
    """Ordered, by identifier. Raises ValueError for an identifier or a shortcut that is taken: Qt would run neither.

    Args:
        window: where the shortcuts hold; None for commands that windows include.
    """

    def __init__(self, window: QWidget | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent or window)
        self._window = window
        self._held: dict[str, Command] = {}
        self._keys: dict[str, str] = {}
        self._included: list[Commands] = []
        self._followers: list[Commands] = []
        """Those that include these; told at once, because an exception in a signal's slot reaches nobody."""
        if window is not None:
            window.destroyed.connect(partial(_leave, self._included, self))

    def add(
        self,
        id: str,
        words: str,
        act: Callable[[], object],
        *,
        group: str,
        keys: tuple[str, ...] | str = (),
        enabled: Callable[[], bool] = _always,
        listen: bool = True,
        said_keys: str = "",
    ) -> Command:
        """Adds a command with its shortcuts.

        Args:
            listen: whether the shortcuts are listened to here; the window does it itself for single letters, which
                a field with the keyboard takes as text.
        """
        every = (keys,) if isinstance(keys, str) else keys
        command = Command(id, words, group, act, every, enabled, said_keys)
        self._take(command, listen)
        for follower in self._followers:
            follower._take(command, True)
        self._held[id] = command
        return command

    def add_button(
        self,
        id: str,
        button: QAbstractButton,
        *,
        group: str,
        keys: tuple[str, ...] | str = (),
        words: str = "",
        listen: bool = True,
        said_keys: str = "",
    ) -> Command:
        """What a button does, where it can be pressed; its words are the button's name unless others are given."""
        said = words or button.accessibleName()

        def enabled() -> bool:
            return button.isEnabled() and button.isVisibleTo(button.window())

        act = button.click
        return self.add(id, said, act, group=group, keys=keys, enabled=enabled, listen=listen, said_keys=said_keys)

    def include(self, others: Commands) -> None:
        """Also offers what others hold, now and later; their shortcuts hold in this window, too."""
        self._included.append(others)
        for command in others:
            self._take(command, True)
        others._followers.append(self)

    def __iter__(self) -> Iterator[Command]:
        yield from self._held.values()
        for others in self._included:
            yield from others

    def __getitem__(self, id: str) -> Command:
        return next(command for command in self if command.id == id)

    def __contains__(self, id: object) -> bool:
        return any(command.id == id for command in self)

    def run(self, id: str) -> bool:
        """Does it where it can be done now; returns whether it was."""
        command = self[id]
        if command.enabled():
            command.act()
            return True
        return False

    def _take(self, command: Command, listen: bool) -> None:
        if command.id in self._held:
            raise ValueError(f"there is a command {command.id!r} already")
        for keys in command.keys:
            sequence = QKeySequence(keys)
            shape = sequence.toString(QKeySequence.SequenceFormat.PortableText)
            if not shape:
                raise ValueError(f"{command.id}: {keys!r} is no key")
            if shape in self._keys:
                raise ValueError(f"{keys} means {self._keys[shape]} already and cannot mean {command.id}, too")
            self._keys[shape] = command.id
            if listen and self._window is not None:
                shortcut = QShortcut(sequence, self._window)
                shortcut.activated.connect(lambda c=command: c.act() if c.enabled() else None)
