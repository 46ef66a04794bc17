"""The settings while windows are open: one present set, who hears of a change, and the file they are kept in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal

from reticle_grounding.errors import BadInput, ReticleError

from .config import Settings, SettingsFault, explain, keep_aside

Save = Callable[[Settings], None]
Load = Callable[[], tuple[Settings, SettingsFault | None]]


class BadSettings(BadInput):
    """Values that do not hold; ``problems`` has a sentence for each setting."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


class Preferences(QObject):
    """Lives on the window's thread; ``current`` may be read from any.

    Args:
        save: writes settings; None keeps nothing beyond the session.
        load: reads them again before a change is written, so that what another program changed meanwhile (a rule set
            with ``reticle rules``) is not lost.
        fault: what is wrong with the file. It is only replaced by :meth:`replace`, which keeps a copy of it.
    """

    changed = Signal(object)
    """Settings, once they hold."""
    not_saved = Signal(str)
    """A choice holds in this session and could not be kept; why."""

    def __init__(
        self,
        settings: Settings,
        save: Save | None = None,
        load: Load | None = None,
        fault: SettingsFault | None = None,
    ) -> None:
        super().__init__()
        self.current, self.fault, self._save, self._load = settings, fault, save, load

    def change(self, **values: object) -> None:
        """A choice made in passing (the look, the mode); a bad file is not overwritten for it."""
        self._read_again()
        self._set(_checked({**self.current.model_dump(), **values}))
        if self.fault is not None:
            self.not_saved.emit(str(self.fault))
            return
        try:
            self._write()
        except ReticleError as error:
            self.not_saved.emit(str(error))

    def replace(self, values: dict[str, object]) -> Path | None:
        """Changes made in the settings window, all or none; returns where a bad file was kept.

        Raises BadSettings naming each one that does not hold, BadInput when they cannot be written.
        """
        self._read_again()
        settings, kept = _checked({**self.current.model_dump(), **values}), None
        if self.fault is not None:
            kept = keep_aside(self.fault.path)
        before, self.current = self.current, settings
        try:
            self._write()
        except ReticleError:
            self.current = before
            raise
        self.fault = None
        self._set(settings)
        return kept

    def _read_again(self) -> None:
        if self._load is None:
            return
        try:
            there, fault = self._load()
        except ReticleError:
            return  # writing will say what is wrong with the place
        if fault is None and self.fault is None:
            self.current = there
        self.fault = fault

    def _write(self) -> None:
        if self._save is not None:
            self._save(self.current)

    def _set(self, settings: Settings) -> None:
        self.current = settings
        self.changed.emit(settings)


def _checked(values: dict[str, object]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems: dict[str, str] = {}
        for one in error.errors():
            problems.setdefault(str(one["loc"][0]) if one["loc"] else "", explain(one))
        raise BadSettings(problems) from error
