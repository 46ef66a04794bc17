"""Other ways to say the same instruction, made by rules: a bare name, its kind of control, a verb, a near-synonym.

UI-Ins (arXiv 2510.20286) shows that one target is found more reliably when it is asked for from several perspectives.
Here they come from closed tables alone, never from what a screen says: nothing that is read can change what is asked.
Words in quotes, counts ("the second") and places ("below Name") are kept as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import zip_longest
from typing import cast

from .errors import BadInput
from .words import Role, normalised, parse

MAX_WORDINGS = 8
_POLITE = (
    r"(?:(?:please|kindly|now|then|can you|could you|would you|i want to|i would like to|i'd like to|let me|"
    r"go ahead and|you should)[ ,]+)*"
)
_POINTING = (
    r"(?:(?:(?:double|right|left|middle|single)[- ]?)?click(?: on| into)?|press(?: on)?|push|tap(?: on)?|hit|select|"
    r"choose|pick|toggle|tick|untick|check|uncheck|activate|focus(?: on)?|point (?:at|to)|locate|find|"
    r"type (?:into|in)|enter|switch to|go to|follow)"
)
_OPENING = (
    r"(?:open|show|change|adjust|edit|enable|disable|turn on|turn off|switch on|switch off|expand|collapse|set)"
    r"(?! (?:or|and)\b)"
)
_ARTICLE = r"(?:(?:the|a|an|my|this|that)\s+)?"
_LEAD = re.compile(rf"^\s*({_POLITE}(?:(?:{_POINTING})\s+{_ARTICLE}|(?:{_OPENING})\s+{_ARTICLE}|{_ARTICLE}))", re.I)
_NOUNS: dict[Role, tuple[str, ...]] = {
    Role.FIELD: ("field", "box"),
    Role.CHECK: ("check box", "option"),
    Role.BUTTON: ("button",),
    Role.MENU: ("menu", "menu item"),
    Role.TAB: ("tab",),
    Role.ICON: ("icon", "button"),
    Role.ANY: ("button", "entry"),
}
"""What a control of a role is called."""
_VERBS: dict[Role, str] = {
    Role.FIELD: "click into",
    Role.CHECK: "tick",
    Role.BUTTON: "press",
    Role.MENU: "open",
    Role.TAB: "switch to",
    Role.ICON: "click",
    Role.ANY: "click",
}
_NOUN = re.compile(
    r"\s+(?:(?:push |radio |tool ?bar )?buttons?|links?|icons?|symbols?|(?:text |input |search |entry )?fields?|"
    r"(?:text |check ?|combo ?|spin |tick)?box|check ?box|drop[- ]?down(?: list| menu| box)?|combo ?box|entry|slider|"
    r"(?:sub)?menu(?: item| entry)?|tab(?: page)?|toggle|switch|option)\s*$",
    re.I,
)
_PLACE = re.compile(
    r"(?<=\S)\s+(?:(?:next to|beside|to the (?:left|right) of|(?:left|right) of|below|underneath|under|beneath|above|"
    r"over|near|labell?ed|called|named|titled)\s+\S|(?:in|on|from|at|of|for|inside|within) (?:the|this|that)\s+\S)",
    re.I,
)
"""Words that tell where the target stands; "Date of birth" is a name."""
_SENTENCE = frozenset(("i", "i'm", "i'd", "i'll", "we", "or", "what", "which", "how", "where", "when"))
"""Words of a sentence that describes; it is nobody's label, and no kind of control is put behind it."""
_QUOTED = re.compile(r"[\"“”„][^\"“”„]+[\"“”„]|(?<!\w)['‘’`][^'‘’`]+['‘’`](?!\w)|«[^»]+»")
_COUNTS = frozenset(
    [
        *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "last"),
        *("1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th"),
    ]
)


@dataclass(frozen=True, slots=True)
class _Parts:
    """An instruction cut into what may be said differently and what may not."""

    lead: str
    """Polite words, verb and article, as said."""
    name: str
    noun: str
    """The kind of control, as said; may be empty, but not together with the name."""
    tail: str
    """Where the target stands, as said, with a blank before it; may be empty."""
    role: Role


def wordings(instruction: str, count: int) -> tuple[str, ...]:
    """At most ``count`` other ways to say it, the most different first; fewer, or none, where the rules know no more.

    Always the same for the same instruction. Raises BadInput for a count that is not 0 to :data:`MAX_WORDINGS`.
    """
    check_count(count)
    parts = _parts(instruction)
    nouns = [n for n in _NOUNS[parts.role] if n != parts.noun.casefold()]
    if parts.name and _SENTENCE.isdisjoint(parts.name.casefold().split()):
        bare = [f"{parts.name}{parts.tail}"]
        asked = [f"{_VERBS[parts.role]} {parts.name}{parts.tail}"]
        named = [f"the {parts.name} {noun}{parts.tail}" for noun in nouns]
    else:
        bare, asked = [], []
        named = [] if parts.name else [f"the {noun}{parts.tail}" for noun in nouns]
    others = [f"{parts.lead}{name} {parts.noun}".rstrip() + parts.tail for name in _swapped(parts.name)]
    turns = zip_longest(others, bare, named, asked)
    made = [said for turn in turns for said in turn if said]
    known = {_same(instruction)}
    kept: list[str] = []
    for said in made:
        if _same(said) not in known and len(kept) < count:
            known.add(_same(said))
            kept.append(said)
    return tuple(kept)


def check_count(count: int) -> int:
    """Raises BadInput for an impossible number of wordings."""
    if not 0 <= count <= MAX_WORDINGS:
        raise BadInput(f"{count} wordings were asked for; it must be 0 to {MAX_WORDINGS}")
    return count


def check_given(instruction: str, given: Sequence[str]) -> tuple[str, ...]:
    """Wordings of a caller without repetitions. Raises BadInput for more than :data:`MAX_WORDINGS`."""
    different: dict[str, str] = {}
    for said in given:
        different.setdefault(_same(said), " ".join(said.split()))
    different.pop(_same(instruction), None)
    check_count(len(different))
    return tuple(different.values())


def _same(said: str) -> str:
    return normalised(said).rstrip(".!")


def _parts(instruction: str) -> _Parts:
    text = " ".join(instruction.split()).rstrip(".!")
    role = parse(instruction).role
    found = _LEAD.match(text)
    lead = found.group(1) if found and len(found.group(1)) < len(text) else ""
    head, tail = _cut(text[len(lead) :])
    noun = _NOUN.search(" " + head)
    if noun is None:
        return _Parts(lead, head, "", tail, role)
    return _Parts(lead, head[: max(0, noun.start() - 1)], noun.group(0).strip(), tail, role)


def _cut(rest: str) -> tuple[str, str]:
    """Before and from the first words of place on, outside quotes and with something before and after."""
    masked = _QUOTED.sub(lambda m: "x" * len(m.group(0)), rest)
    found = _PLACE.search(masked)
    return (rest, "") if found is None else (rest[: found.start()], rest[found.start() :])


def _swapped(name: str) -> list[str]:
    """The name with one word replaced by a near-synonym, for every word and synonym in turns; none for quoted names."""
    if _QUOTED.search(name):
        return []
    words = name.split(" ")
    rows: list[list[str]] = []
    for at, word in enumerate(words):
        others = () if word.casefold() in _COUNTS else _synonyms().get(word.casefold(), ())
        rows.append([" ".join([*words[:at], _cased(other, word), *words[at + 1 :]]) for other in others])
    return [said for turn in zip_longest(*rows) for said in turn if said]


def _cased(word: str, like: str) -> str:
    return word.capitalize() if like[:1].isupper() else word


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, tuple[str, ...]]:
    """Word -> the others of its groups in ``data/synonyms.json``, in the order of the file."""
    text = resources.files(__package__ or "reticle_grounding").joinpath("data/synonyms.json").read_text("utf-8")
    table: dict[str, tuple[str, ...]] = {}
    for group in cast(list[list[str]], json.loads(text)):
        for word in group:
            more = [other for other in group if other != word and other not in table.get(word, ())]
            table[word] = (*table.get(word, ()), *more)
    return table
