"""One clause -> steps: what stands after each kind of verb."""

from __future__ import annotations

from collections.abc import Callable

from reticle_agent.actions import AskUser, Click, Direction, Drag, Finish, Hotkey, Scroll, Step, Wait
from reticle_grounding.errors import BadInput

from .keys import KEY_NAMES, MODIFIERS, read_keys
from .numbers import read_count, read_seconds
from .phrase import Phrase, split_repeats, target_of
from .typing import FIELD_NOUNS, fill, type_text
from .verbs import EXAMPLES, Verb, VerbKind
from .wordlists import word_set

_MENU_ARROWS = frozenset({">", "→", "->", "▸", "›"})
_KEY_WORDS = word_set("key keys shortcut hotkey combination letter digit")
_KEYBOARD = frozenset({("on", "the", "keyboard"), ("on", "your", "keyboard"), ("on", "my", "keyboard")})
_UNCLEAR_AFTER_KEYS = word_set("in into on inside or to for")
_SCROLL_UNITS = word_set("time times notch notches line lines step steps click clicks tick ticks")
_DIRECTIONS: dict[str, Direction] = {"up": "up", "down": "down", "left": "left", "right": "right"}

Handler = Callable[[Verb, Phrase, Phrase], tuple[Step, ...]]
"""(verb, what stands after it, the whole clause) -> steps."""


def not_understood(words: str) -> BadInput:
    """The message for words outside the grammar."""
    flat = " ".join(words.split())
    shown = flat if len(flat) <= 120 else flat[:120] + "…"
    return BadInput(f'I do not understand "{shown}"; start a step with {EXAMPLES}')


def _click(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    if rest.words[:1] and rest.words[0] in ("that", "whether"):
        raise not_understood(whole.written)
    rest, times = split_repeats(rest)
    clicks = tuple(Click(target_of(place, whole), verb.button, verb.count) for place in _menu_path(rest))
    return clicks * times


def _menu_path(phrase: Phrase) -> list[Phrase]:
    """``Edit > Preferences`` is one click after the other."""
    places = [phrase]
    while (at := places[-1].find(lambda t: t.text in _MENU_ARROWS and t.kind == "word")) is not None:
        last = places.pop()
        if not 0 < at < len(last) - 1:
            return [phrase]
        places += [last[:at], last[at + 1 :]]
    return places


def _press(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    """Keys where the words name keys; otherwise a click ("press OK", "press the Delete button")."""
    keys = _named_keys(rest, whole)
    if keys is not None:
        return keys
    if rest.words[:2] == ("and", "hold"):
        raise not_understood(whole.written)
    if len(rest) > 1 and rest.words[1] in _UNCLEAR_AFTER_KEYS and read_keys(rest[:1].text):
        raise BadInput(f'"{whole.written}" could be a key or a place; click the place first, then press the key')
    return _click(verb, rest, whole)


def _keys(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    keys = _named_keys(rest, whole)
    if keys is None:
        raise not_understood(whole.written)
    return keys


def _named_keys(rest: Phrase, whole: Phrase) -> tuple[Step, ...] | None:
    """The hotkeys the words name; None when they are about something on the screen."""
    rest, times = split_repeats(_without_purpose(rest))
    explicit = rest.words[-3:] in _KEYBOARD
    rest = rest[:-3] if explicit else rest
    article = rest.words[:1] == ("the",)
    rest = rest[1:] if article else rest
    while len(rest) > 1 and (rest.words[0] in _KEY_WORDS or rest.words[:2] == ("keyboard", "shortcut")):
        rest, explicit = rest[1:], True
    while len(rest) > 1 and rest.words[-1] in (*_KEY_WORDS, "arrow", "bar"):
        explicit = True
        if rest.words[-1] == "bar":
            break
        rest = rest[:-1]
    chords = read_keys(rest.text)
    if chords and (explicit or not article or rest.text.lower() == "spacebar"):
        return tuple(Hotkey(keys) for keys in chords) * times
    if _looks_like_chord(rest.text) or (explicit and rest.words[-1:] != ("bar",)):
        raise BadInput(f'"{whole.written}": "{rest.text}" is not a key I know')
    return None


def _without_purpose(rest: Phrase) -> Phrase:
    """``Ctrl+S to save``: what keys are pressed for is no step of its own."""
    at = rest.find(lambda t: t.low == "to", 1)
    if at is None or at + 1 == len(rest):
        return rest
    purpose = rest.tokens[at + 1].text
    return rest[:at] if purpose.isalpha() and purpose.islower() and purpose not in ("the", "a", "an") else rest


def _looks_like_chord(text: str) -> bool:
    head, plus, tail = text.lower().partition("+")
    is_function_key = text[:1] in "fF" and text[1:].isdecimal()
    return is_function_key or bool(plus and tail and KEY_NAMES.get(head.strip()) in MODIFIERS)


def _drag(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    rest = rest[1:] if rest.words[:1] == ("from",) else rest
    cuts = [
        i
        for i, word in enumerate(rest.words)
        if word in ("to", "onto", "into", "over") and i and rest.words[i - 1] not in ("next", "close")
    ]
    strong = [i for i in cuts if rest.words[i] != "to"]
    cuts = strong if len(strong) == 1 and len(cuts) > 1 else cuts
    if len(cuts) != 1:
        hint = 'say it as drag "one thing" to "another"'
        raise BadInput(f'"{whole.written}" does not tell the two ends of the drag apart; {hint}')
    source, destination = rest[: cuts[0]], rest[cuts[0] + 1 :]
    return (Drag(target_of(source, whole), target_of(destination, whole)),)


def _scroll(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    """``scroll [target] DIRECTION [target] [by] [N] [times] [in target]``, a count also before the direction."""
    place_at = rest.find(lambda t: t.low in ("in", "on", "over", "inside", "within"))
    head, place = (rest, rest[:0]) if place_at is None else (rest[:place_at], rest[place_at + 1 :])
    ways = [i for i, word in enumerate(head.words) if word in _DIRECTIONS]
    if not ways or (place_at is not None and not place):
        raise BadInput(f'"{whole.written}" does not say which way; say e.g. scroll down 3 in the list')
    way = 0 if ways[0] == 0 else ways[-1]
    found = [_take_count(part) for part in (head[:way], head[way + 1 :], place)]
    counts = [count for _, count in found if count is not None]
    targets = [phrase for phrase, _ in found if phrase]
    is_target = found[1][0].words[:1] in ((), ("the",))
    if len(counts) > 1 or len(targets) > 1 or not is_target:
        raise BadInput(f'I do not understand "{rest.written}" in "{whole.written}"; say e.g. scroll down 3 in the list')
    target = target_of(targets[0], whole) if targets else None
    return (Scroll(_DIRECTIONS[head.words[way]], counts[0] if counts else 5, target),)


def _take_count(phrase: Phrase) -> tuple[Phrase, int | None]:
    """Takes ``[by] N [times]`` off the end of a phrase."""
    kept = phrase[:-1] if phrase.words[-1:] and phrase.words[-1] in _SCROLL_UNITS else phrase
    count = read_count(kept.words[-1]) if kept else None
    if count is None:
        return phrase, None
    kept = kept[:-1]
    return (kept[:-1] if kept.words[-1:] == ("by",) else kept), count


def _clear(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    target = target_of(rest, whole)
    if rest.words[-1] not in FIELD_NOUNS:
        raise BadInput(f'"{whole.written}": only a field can be cleared; say e.g. clear the search field')
    return Click(target), Hotkey(("ctrl", "a")), Hotkey(("delete",))


def _wait(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    seconds = read_seconds(rest.text)
    if seconds is None:
        raise BadInput(f'I do not understand "{whole.written}"; say how long, e.g. wait 2 seconds')
    return (Wait(seconds),)


def _finish(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    if rest and (len(rest) > 1 or rest.tokens[0].kind != "quoted"):
        raise not_understood(whole.written)
    return (Finish(True, rest.text),)


def _fail(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    return (Finish(False, rest.text),)


def _ask(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    if not rest.text.strip():
        raise BadInput(f'"{whole.written}" does not say what to ask; put the question in quotes')
    return (AskUser(rest.text),)


HANDLERS: dict[VerbKind, Handler] = {
    "click": _click,
    "press": _press,
    "keys": _keys,
    "drag": _drag,
    "scroll": _scroll,
    "type": type_text,
    "fill": fill,
    "clear": _clear,
    "wait": _wait,
    "finish": _finish,
    "fail": _fail,
    "ask": _ask,
}
