"""What may be done in which application: look, click or type, by rules with an end.

A rule names an application by its window class or its program. Rules of the person come before the shipped ones, the
narrowest of several holds, and a rule that has run out counts as not there. How long a rule lasts is read from the
clock once, when a run begins; setting the clock back later, or before the rule was made, widens nothing.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from reticle_grounding.errors import BadInput

from .actions import Click, Drag, Hotkey, Pixel, Scroll, Step, TypeText
from .windows import OwnWindows
from .x11 import X11

Level: TypeAlias = Literal["look", "click", "type"]
LEVELS: tuple[Level, ...] = ("look", "click", "type")
"""Each allows what stands before it: nothing is sent, pointer only, keys as well."""
EVERY = "*"
"""A rule for all applications that no other rule names."""

_SECRETS = (
    "keepassxc", "keepass2", "org.keepassxc.keepassxc", "bitwarden", "1password", "enpass", "seahorse",
    "org.gnome.seahorse.application", "kwalletmanager5", "kwalletmanager", "gnome-keyring-prompt", "pinentry",
    "pinentry-gtk-2", "pinentry-qt", "pinentry-gnome3",
)  # fmt: skip
_SYSTEM = (
    "polkit-gnome-authentication-agent-1", "polkit-kde-authentication-agent-1", "lxpolkit", "mate-polkit",
    "xfce-polkit", "gnome-control-center", "systemsettings", "gufw", "firewall-config", "gparted", "gpartedbin",
)  # fmt: skip
TERMINALS = frozenset(
    {
        "gnome-terminal-server", "gnome-terminal", "konsole", "xfce4-terminal", "mate-terminal", "lxterminal", "tilix",
        "terminator", "kgx", "org.gnome.console", "qterminal", "alacritty", "kitty", "foot", "ptyxis",
    }
)  # fmt: skip
"""Window classes (lower case) of terminals that paste with Ctrl+Shift+V."""
_OTHER_TERMINALS = ("xterm", "uxterm", "urxvt", "rxvt", "st", "st-256color", "wezterm", "org.wezfurlong.wezterm")
SHIPPED: Mapping[str, tuple[Level, str]] = {
    **{name: ("look", "a password manager") for name in _SECRETS},
    **{name: ("look", "a system security program") for name in _SYSTEM},
    **{name: ("look", "a terminal") for name in (*TERMINALS, *_OTHER_TERMINALS)},
}
"""Program or class -> what is allowed there without a rule of the person, and why."""
MONEY_WORDS = ("bank", "banking", "checkout", "payment", "payments", "paypal", "billing", "wallet")
"""A window with one of these in its title is always asked about."""
_MONEY = re.compile(rf"\b({'|'.join(MONEY_WORDS)})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AppWindow:
    """The window an input would reach."""

    names: tuple[str, ...]
    """Window classes and program name, lower case; empty when nothing says whose it is."""
    title: str = ""


class Applications(Protocol):
    """Whose window is it? Asked anew for every input."""

    def at(self, pixel: Pixel) -> AppWindow | None:
        """The window that a click at a physical pixel reaches; None for the bare desktop."""
        ...

    def focused(self) -> AppWindow | None:
        """The window that keys reach, which is never one of our own."""
        ...


@dataclass(frozen=True, slots=True)
class AppRule:
    """One rule of the person. Raises BadInput for a name or an end that cannot be meant."""

    app: str
    level: Level
    since: datetime | None = None
    """When it was made; before that moment it does not hold."""
    until: datetime | None = None
    """When it ends; None lasts."""

    def __post_init__(self) -> None:
        if not self.app.strip():
            raise BadInput("a rule needs the name of an application, or * for all others")
        if self.level not in LEVELS:
            raise BadInput(f"what is allowed is one of {', '.join(LEVELS)}, not '{self.level}'")
        if any(moment is not None and moment.tzinfo is None for moment in (self.since, self.until)):
            raise BadInput(f"the rule for {self.app} needs times with a time zone")

    @property
    def name(self) -> str:
        return self.app.strip().casefold()

    def seconds_left(self, now: datetime) -> float | None:
        """Seconds from ``now``; None without an end, at most 0 when it does not hold."""
        if self.since is not None and now < self.since:
            return 0.0
        return None if self.until is None else (self.until - now).total_seconds()


class AppRules:
    """The rules of one run."""

    def __init__(self, rules: Iterable[AppRule], now: datetime, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        start = clock()
        self._rules: list[tuple[AppRule, float | None]] = []
        for rule in rules:
            left = rule.seconds_left(now)
            if left is None or left > 0:
                self._rules.append((rule, None if left is None else start + left))

    def level(self, window: AppWindow | None) -> tuple[Level, str]:
        """What is allowed in a window, and which rule says so."""
        names = window.names if window is not None else ()
        own = [rule for rule in self._valid() if rule.name in names] or [r for r in self._valid() if r.name == EVERY]
        if own:
            narrowest = min(own, key=lambda rule: LEVELS.index(rule.level))
            until = f" until {narrowest.until.isoformat(timespec='minutes')}" if narrowest.until else ""
            return narrowest.level, f"your rule for {narrowest.app} allows to {narrowest.level}{until}"
        shipped = [(SHIPPED[name], name) for name in names if name in SHIPPED]
        if shipped:
            (level, why), name = min(shipped, key=lambda found: LEVELS.index(found[0][0]))
            return level, f"{name} is {why}; nothing is done there without a rule of yours"
        return "type", "no rule limits this application"

    def words(self) -> list[str]:
        """The person's rules that hold now, one line each."""
        return [
            f"{rule.app}: {rule.level}" + (f" until {rule.until.isoformat(timespec='minutes')}" if rule.until else "")
            for rule in self._valid()
        ]

    def _valid(self) -> list[AppRule]:
        now = self._clock()
        return [rule for rule, end in self._rules if end is None or now < end]

    def refusal(self, needed: Level, window: AppWindow | None) -> str | None:
        """Why so much may not be done in a window; None when it may."""
        allowed, why = self.level(window)
        if LEVELS.index(allowed) >= LEVELS.index(needed):
            return None
        return f"to {needed} is not allowed here: {why}"


class AppGuard:
    """The rules of a run at the windows of a desktop."""

    def __init__(self, rules: AppRules, applications: Applications) -> None:
        self._rules, self._applications = rules, applications

    def window(self, pixel: Pixel | None) -> AppWindow | None:
        """The window an input reaches: at a pixel, or with the keyboard."""
        return self._applications.focused() if pixel is None else self._applications.at(pixel)

    def refusal(self, step: Step, window: AppWindow | None) -> str | None:
        return self._rules.refusal(needed_level(step), window)

    def input_refusal(self, needed: Level, pixel: Pixel | None) -> str | None:
        """The same at the last moment, for an input of which only its kind is known."""
        return self._rules.refusal(needed, self.window(pixel))


def reason_to_ask(step: Step, window: AppWindow | None) -> str | None:
    """Why an input to this window is asked about whatever the mode; None when the window gives no reason."""
    if window is None or needed_level(step) == "look":
        return None
    if not window.names:
        return "nothing says which application this is"
    money = _MONEY.search(window.title)
    return f"the window's title says '{money.group(0)}'" if money else None


def needed_level(step: Step) -> Level:
    """What a step does at most."""
    if isinstance(step, (TypeText, Hotkey)):
        return "type"
    return "click" if isinstance(step, (Click, Drag, Scroll)) else "look"


class DesktopApplications:
    """``Applications`` over X11: window classes, and the program by its process id where it is on this machine."""

    def __init__(self, connection: X11, own: OwnWindows | None = None) -> None:
        self._x, self._own = connection, own

    def at(self, pixel: Pixel) -> AppWindow | None:
        return self._describe(self._x.window_at(*pixel))

    def focused(self) -> AppWindow | None:
        active = self._x.active_window()
        if self._own is not None and self._own.owns(active):  # it gives the focus away before keys are sent
            active = self._own.topmost_foreign()
        return self._describe(active)

    def _describe(self, window: int | None) -> AppWindow | None:
        if window is None or window == int(self._x.root.id):  # the bare desktop is no application
            return None
        client = self._x.client_in(window)
        names = self._x.classes(client)
        pid = self._x.owner_pid(window)
        program = _program(pid) if pid is not None else ""
        title = self._x.text(client, "_NET_WM_NAME") or self._x.text(client, "WM_NAME")
        found = AppWindow(tuple(dict.fromkeys([*names, *([program] if program else [])])), title)
        return found if found.names or self._shown(window) else None

    def _shown(self, window: int) -> bool:
        """Whether anything of it is on the desktop; window managers keep the keyboard on a hidden window of theirs
        where no application has it."""
        top = self._x.top_level(window)
        screen = self._x.window_rect(int(self._x.root.id))
        return screen is None or any(c.id == top and c.rect.intersection(screen) for c in self._x.children())


def _program(pid: int) -> str:
    """Name of a running program; empty where it cannot be seen. Linux: /proc."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).casefold()
    except OSError:
        pass
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip().casefold()
    except OSError:
        return ""
