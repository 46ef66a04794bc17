"""What an instruction names, and how well a text on the screen answers to it. Generic English, no application's words.

An instruction is turned into several readings of the target ("open the Project menu" -> "project"; "open project"),
because a leading verb can be the visible label itself ("Open"). A text's score is the best of its readings' scores.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from importlib import resources
from typing import cast

from rapidfuzz import fuzz

from .asked import kinds_asked


class Role(Enum):
    """What kind of control the instruction speaks of, where it says so."""

    FIELD = "field"
    CHECK = "check"
    BUTTON = "button"
    MENU = "menu"
    TAB = "tab"
    ICON = "icon"
    ANY = "any"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ROLE_WORDS: dict[str, Role] = {
    **dict.fromkeys(("field", "box", "entry", "textbox", "input", "combobox", "dropdown", "spinner"), Role.FIELD),
    **dict.fromkeys(("slider", "selector", "list", "combo", "drop", "down", "text", "spin"), Role.FIELD),
    **dict.fromkeys(("checkbox", "check", "radio", "toggle", "switch", "tick", "option"), Role.CHECK),
    **dict.fromkeys(("button", "link"), Role.BUTTON),
    **dict.fromkeys(("menu", "submenu", "entry", "item"), Role.MENU),
    **dict.fromkeys(("tab", "page"), Role.TAB),
    **dict.fromkeys(("icon", "symbol", "arrow"), Role.ICON),
}
_ROLE_PHRASES: tuple[tuple[str, Role], ...] = (
    (r"check ?box(es)?|tick ?box|radio( button)?|toggle|switch|option", Role.CHECK),
    (r"drop[- ]?down( list| menu| box)?|combo ?box", Role.FIELD),
    (r"(sub)?menu( item| entry| bar)?", Role.MENU),
    (r"field|box|text ?box|text area|entry|input|list|selector|slider|spinner|spin ?button", Role.FIELD),
    (r"tab( page)?", Role.TAB),
    (r"button|link", Role.BUTTON),
    (r"icon|symbol", Role.ICON),
)
"""Looked for at the end of what names the target."""
_GESTURES = _set(
    "click press push tap hit select choose pick toggle tick untick check uncheck mark unmark activate "
    "focus go switch use type enter write fill set please locate point hover drag"
)
"""Verbs of pointing; dropped at the start of an instruction."""
_OPENERS = _set(
    "open show hide change adjust edit enable disable allow keep turn expand collapse unfold view see bring deselect "
    "unselect"
)
"""Verbs that often only wrap the label but may be the label: readings with and without them are made."""
_ACTIONS = _set(
    "add apply archive attach book bookmark browse build buy cancel check clear close compare compose configure "
    "confirm connect copy create crop cut delete detach disconnect download draw duplicate edit empty erase exit "
    "export fill filter find flip follow format forward import insert install load lock log manage merge move "
    "mute new order paste pause pay pin play preview print publish quit rate read record redo refresh register "
    "reload remove rename replace reply reset restore revert rotate run save scan search send share sign sort "
    "split start stop subscribe sync undo uninstall unlock unpin update upgrade upload verify view write zoom"
)
"""What programs do; where an instruction begins with one, a text without it mostly says what it is done to."""
_ARTICLES = _set("the a an my this that these")
"""What follows an article is no longer the verb."""
_EDGE = r"(?:side|edge|corner|end|half|part|pane|panel|column|row|bar|margin|hand)"


def _at(side: str, far: str, corners: str) -> re.Pattern[str]:
    """Says that something is on a side: "at the left", "leftmost", "left edge", "top left", but not "left of"."""
    return re.compile(
        rf"\b(?:{far}|(?:at|on|in|to|from) the (?:very |far )?(?:{side})\b(?! (?:of|arrow))|(?:very|far) (?:{side})\b"
        rf"|(?:{side})[- ]?{_EDGE}\b|(?:{corners})[- ](?:{side})\b|(?:{side})[- ](?:{corners})\b)"
    )


_AT_LEFT = _at("left", "leftmost", "top|bottom|upper|lower")
_AT_RIGHT = _at("right", "rightmost", "top|bottom|upper|lower")
_AT_TOP = _at("top|upper", r"topmost|uppermost|at the top\b|top of the (?:window|screen|page|dialog)", "left|right")
_AT_BOTTOM = _at(
    "bottom|lower", r"bottommost|lowest|at the bottom\b|bottom of the (?:window|screen|page|dialog)", "left|right"
)
_SETTING = _set("set change switch turn make")
_SORTS = _set("label heading title caption header column cell section")
"""Sorts of written things, which name none of them."""
WRITTEN_SORTS = _SORTS | _set("menu submenu item entry tab link page")
DRAWN_SORTS = _set("icon symbol arrow picture image sign")
"""What is mostly read, and what is mostly drawn."""
BEFORE_COMMA = 0.97
"""Trust in a reading of what stands before a comma: what follows mostly tells where, but may be part of a name."""
_MOUSE = re.compile(r"\b(?:(?:double|right|left|middle|single)[- ]?)click\b", re.IGNORECASE)
_POINTED = frozenset(("one", *_ROLE_WORDS))
"""Words that stand for a target without naming it."""
_STOP = _set(
    "the a an to on in into at of for with by from this that these those it its me my i want would like now here there "
    "please and or up out off over as is are be so which what when how one some all any you can"
)
_NAMELESS = _STOP | _GESTURES | _OPENERS | frozenset(_ROLE_WORDS)
"""Words that name nothing while others do."""
_ORDINALS: dict[str, int] = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
    "5th": 5,
    "6th": 6,
    "7th": 7,
    "8th": 8,
    "last": -1,
}
_RELATIONS = (
    r"next to|beside|to the (?:left|right) of|(?:left|right) of|below|underneath|under|beneath|above|over|near|"
    r"inside|within|in front of|between|belonging to|labell?ed|called|named|titled|after|before|behind|"
    r"for|in|on|of|at|from|to"
)
SIDED: dict[str, tuple[tuple[int, int], ...]] = {
    **dict.fromkeys(("to the left of", "left of", "before"), ((-1, 0),)),
    **dict.fromkeys(("to the right of", "right of", "after", "behind"), ((1, 0),)),
    **dict.fromkeys(("above", "over"), ((0, -1),)),
    **dict.fromkeys(("below", "under", "underneath", "beneath"), ((0, 1),)),
    **dict.fromkeys(("next to", "beside", "in front of"), ((-1, 0), (1, 0))),
    "between": ((1, 0), (0, 1)),
}
"""Relations that tell sides of an anchor, across and down: (-1, 0) is left, (0, 1) is below."""
_OF_RELATIONS = _set(
    "left right next below underneath under beneath above over before after behind beside between near row"
)
"""Words that tell where something stands, not what it is."""
_PLACED = re.compile(r"\b(?:in|on|from|at) (?:the|this|that|a) ((?:sub)?menu|list|tool ?bar|tree|table|page|box)\W*$")
"""An ending that tells where something is."""
_SPOT = (
    r"(?:tool ?bars?|(?:sub)?menu(?: bar)?|dialog(?: box)?|window|side ?bar|panel|pane|header|footer|status ?bar"
    r"|title ?bar|page|screen|bar|corner|form)"
)
_LOCATION = re.compile(
    rf",?\s+(?:(?:in|on|from|at|inside|within|of) (?:the|this|that|its)(?: [\w'-]+){{0,2}}? {_SPOT}"
    r"|(?:at|on|in|near) the (?:(?:very|far) )?(?:top|bottom|left|right|upper|lower|middle|centre|center)"
    r"(?:[- ](?:most|left|right|hand|side|corner|edge|end|part|half))*(?: of the [\w'-]+(?: [\w'-]+){0,2})?)"
    r"(?=\s*(?:[,.;:!?]|$)|\s+(?:that|which|where|to|with|and|next|near|beside|in|on|at|of)\b)",
    re.IGNORECASE,
)
"""Says in which part of the screen something is."""
_IN_NAMES = frozenset({"for", "in", "on", "of", "at", "from", "to", "after", "before", "behind"})
"""Relations that names of controls often hold."""
_POLITE = (
    r"(?:(?:please|can you|could you|would you|i want to|i need to|i would like to|i'd like to|let me|go ahead and"
    r"|where (?:do|can|could|should) i|how (?:do|can|could|should) i) )*"
)
_DRAGGED = re.compile(
    r"\b(?:slider|scroll ?bar|drag|adjust|increase|decrease|raise|lower|louder|quieter|brighter|dimmer|darker)\b"
    r"|\bturn (?:[\w' ]+ )?(?:up|down)\b"
)
"""Speaks of something that is drawn along a track."""
_SAYS_TEXT = re.compile(
    rf"{_POLITE}(?:(?:click|press|point)(?: (?:on|at))? )?(?:the )?(?:label|words?|text|title|heading|caption)\b"
    r"(?! (?:field|box|area|entry))"
)
"""Asks for written words themselves, not for what they stand before."""
_LABELLED = frozenset({"labeled", "labelled", "called", "named", "titled"})
_QUOTES = re.compile(r"[\"“”„]([^\"“”„]+)[\"“”„]|(?<!\w)['‘’`]([^'‘’`]+)['‘’`](?!\w)|«([^»]+)»")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|(?<=[^\W_])\+\+", re.UNICODE)
_SIGNS = re.compile(r"[^\w\s.,;:]+", re.UNICODE)
_CONFUSED = str.maketrans({"l": "i", "1": "i", "|": "i", "!": "i", "0": "o", "5": "s", "8": "b"})


SYNONYM = 0.6
"""Similarity of two different words of one group in ``data/synonyms.json``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand what the instruction names."""

    tokens: tuple[str, ...]
    trust: float
    """Multiplies the match score; 1 for quoted text."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parsed instruction."""

    readings: tuple[Reading, ...]
    role: Role
    ordinal: int | None
    """1 is the first in reading order, -1 the last."""
    relation: str | None
    """The word that ties the target to its anchor, for example ``below``."""
    anchor: tuple[str, ...]
    """Tokens of the anchor; empty when there is none."""
    quoted: bool
    first: tuple[str, ...] = ()
    """Words before the first comma, without gestures and roles; empty where no comma parts the instruction."""
    head: tuple[str, ...] = ()
    """Words before the relation, without gestures and roles ("small cross" in "the small cross in the corner")."""
    sides: tuple[float, float] = (0.0, 0.0)
    """Where on the screen it says the target is: -1 left or top, 1 right or bottom, 0 where it does not say."""
    near: tuple[str, ...] = ()
    """Tokens of the anchor up to a relation of its own ("bell" in "left of the bell in the other window")."""
    dragged: bool = False
    """Speaks of a slider or of what one does to it."""
    unnamed: bool = False
    """Says no more of the target than its kind and where it stands ("the button right of Save")."""
    written: bool = False
    """Asks for words on the screen themselves ("the label Name")."""
    sort: str = ""
    """Last word before the relation; where the target is unnamed, what it is ("item" in "the menu item after Copy")."""
    action: str = ""
    """What is to be done, where the instruction begins with it ("clear" in "clear the playlist")."""
    asked: frozenset[str] = frozenset()
    """Kinds of controls that are named; see :func:`reticle_grounding.asked.kinds_asked`."""


@dataclass(frozen=True, slots=True)
class Match:
    """How well one text answers to the instruction."""

    score: float
    """0..1, the best reading."""
    precision: float
    """Share of the text that the instruction names, 0..1."""
    recall: float
    """Share of the instruction's content that the text says, 0..1."""
    exact: bool


NO_MATCH = Match(0.0, 0.0, 0.0, False)


def normalised(text: str) -> str:
    """Compatibility form (ligatures, full width), lower case, no ellipsis, single spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("…", " ").replace("...", " ")
    return " ".join(plain.replace("’", "'").split())


def tokens(text: str) -> tuple[str, ...]:
    """Words of the normalised text, or its signs when it has no words; mnemonic underscores and ampersands vanish."""
    plain = re.sub(r"(?<!\w)[_&](?=\w)", "", normalised(text))
    return tuple(_WORD.findall(plain)) or tuple(_SIGNS.findall(plain))


@lru_cache(maxsize=4096)
def _groups(word: str) -> frozenset[int]:
    """Numbers of the groups of near-synonyms that hold the word or its stem."""
    groups = _synonyms()
    return groups.get(word) or groups.get(_stem(word)) or frozenset()


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, frozenset[int]]:
    text = resources.files(__package__ or "reticle_grounding").joinpath("data/synonyms.json").read_text("utf-8")
    groups: dict[str, frozenset[int]] = {}
    for number, words in enumerate(cast(list[list[str]], json.loads(text))):
        for word in words:
            for form in (word, _stem(word)):
                groups[form] = groups.get(form, frozenset()) | {number}
    return groups


@lru_cache(maxsize=256)
def parse(instruction: str) -> Wanted:
    """What the instruction names. Never fails; an instruction of pure verbs keeps them as its words."""
    quoted = [next(part for part in found if part) for found in _QUOTES.findall(instruction)]
    instruction = _MOUSE.sub("click", instruction)
    words = tokens(instruction)
    ordinal = next((_ORDINALS[w] for w in words if w in _ORDINALS), None)
    head, relation, tail = _split_relation(instruction)
    readings = [Reading(tokens(q), 1.0) for q in quoted]
    if relation in _IN_NAMES and not quoted:  # "Date of birth" is not a Date
        readings += [*_readings(words, 1.0), *_readings(tokens(head), 0.97)]
    else:
        readings += _readings(tokens(head), 1.0 if not quoted else 0.6)
        readings += _readings(words, 0.97 if not quoted else 0.55)
    if relation in _LABELLED:
        readings += _readings(tokens(tail), 1.0)
    elif tail and not quoted:
        set_to = relation == "to" and words[0] in _SETTING  # the wish may stand there by itself, as a choice
        readings += _readings(tokens(tail), BEFORE_COMMA if set_to else 0.6)
    before = _before_comma(instruction)
    first = _readings(tokens(before), BEFORE_COMMA) if before else []
    readings += _of_stop_words(words)
    kept = tuple(dict.fromkeys(r for r in [*readings, *first] if r.tokens))
    role = _role(instruction, quoted)
    if role is Role.ANY and before:
        role = _role(before, quoted)
    said = first[0].tokens if first else ()
    own = next((r.tokens for r in _readings(tokens(head), 1.0)), ()) if tail else ()
    plain = normalised(_QUOTES.sub(" ", instruction))
    return Wanted(
        kept,
        role,
        ordinal,
        relation,
        content(tokens(tail)),
        bool(quoted),
        said,
        own,
        _sides(instruction),
        content(tokens(_split_relation(tail)[0])),
        bool(_DRAGGED.search(plain)),
        relation in SIDED and not set(content(tokens(head))) - _SORTS,
        bool(_SAYS_TEXT.match(plain)),
        (tokens(head) or ("",))[-1],
        _action(readings),
        kinds_asked(instruction),
    )


def _action(readings: Sequence[Reading]) -> str:
    """The first word of what is named, where that is something a program does to what follows."""
    first = next((r.tokens for r in readings), ())
    return first[0] if len(first) > 1 and first[0] in _ACTIONS else ""


def lacks_action(wanted: Wanted, text: str) -> bool:
    """Whether the instruction begins with an action that the text does not say, nor a like one."""
    return bool(wanted.action) and all(similarity(wanted.action, word) < SYNONYM for word in tokens(text))


def _before_comma(instruction: str) -> str:
    """What stands before the first comma outside quotes; empty where either side names nothing."""
    masked = _QUOTES.sub(lambda m: "x" * len(m.group(0)), instruction)
    for found in re.finditer(r"[,;] ", masked):
        head, tail = instruction[: found.start()], instruction[found.end() :]
        if content(tokens(head)) and content(tokens(tail)):
            return head
    return ""


def without_location(instruction: str) -> str:
    """The instruction without the part of the screen it names ("the envelope in the toolbar at the top" is the
    envelope); unchanged where nothing else is said, and inside quotes."""
    masked = _QUOTES.sub(lambda m: "\0" * len(m.group(0)), instruction)
    left, end = [], 0
    for found in _LOCATION.finditer(masked):
        left.append(instruction[end : found.start()])
        end = found.end()
    rest = "".join([*left, instruction[end:]]).strip()
    return rest if end and content(tokens(rest)) else instruction


def _sides(instruction: str) -> tuple[float, float]:
    plain = normalised(_QUOTES.sub(" ", instruction))
    across = float(bool(_AT_RIGHT.search(plain))) - float(bool(_AT_LEFT.search(plain)))
    down = float(bool(_AT_BOTTOM.search(plain))) - float(bool(_AT_TOP.search(plain)))
    return across, down


def match(wanted: Wanted, text: str) -> Match:
    """The best reading's match with ``text``."""
    found = tokens(text)
    if not found:
        return NO_MATCH
    return max((_match_reading(r, found) for r in wanted.readings), key=lambda m: m.score, default=NO_MATCH)


@lru_cache(maxsize=256)
def _contents(wanted: Wanted) -> tuple[frozenset[str], frozenset[str]]:
    """Words of the readings that carry meaning (all, in a reading without such), and the readings without blanks."""
    meant: set[str] = set()
    for reading in wanted.readings:
        meant |= {w for w in reading.tokens if w not in _STOP} or set(reading.tokens)
    return frozenset(meant), frozenset(_glued(r.tokens) for r in wanted.readings)


@lru_cache(maxsize=65536)
def _touches(wanted: Wanted, text: str) -> bool:
    found = tokens(text)
    meant, glued = _contents(wanted)
    return _glued(found) in glued or any(similarity(f, w) > 0.0 for f in found for w in meant)


def may_match(wanted: Wanted, text: str) -> bool:
    """Whether any word of the text resembles one that the instruction needs; a cheap look before :func:`match`."""
    return _touches(wanted, text)


@lru_cache(maxsize=65536)
def similarity(a: str, b: str) -> float:
    """0..1 for two tokens: equal, equal but for confusable characters, same stem, synonyms, or similar letters."""
    if a == b:
        return 1.0
    if len(a) > 2 and a.translate(_CONFUSED) == b.translate(_CONFUSED):
        return 0.97
    if _stem(a) == _stem(b):
        return 0.86
    if _groups(a) & _groups(b):
        return SYNONYM
    shorter = min(len(a), len(b))
    if shorter < 4:
        return 0.0
    ratio = fuzz.ratio(a, b) / 100
    return ratio * 0.95 if ratio >= 0.8 else 0.0


def _match_reading(reading: Reading, found: tuple[str, ...]) -> Match:
    wanted = reading.tokens
    if wanted == found or (len(_glued(found)) > 2 and _glued(wanted) == _glued(found)):
        return Match(reading.trust, 1.0, 1.0, True)
    table = [[similarity(f, w) for w in wanted] for f in found]
    precision = _weighted([max(row) for row in table], found)
    recall = _weighted([max(row[i] for row in table) for i in range(len(wanted))], wanted)
    if precision == 0.0 or recall == 0.0:
        return NO_MATCH
    score = precision**0.55 * recall**0.45
    order = fuzz.ratio(" ".join(wanted), " ".join(found)) / 100
    return Match(reading.trust * 0.94 * (0.85 * score + 0.15 * order), precision, recall, False)


def _weighted(values: Sequence[float], words: Sequence[str]) -> float:
    weights = [weight(w) for w in words]
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def weight(word: str) -> float:
    """How much a word tells about what is meant: 0.12 for "the" up to 1.3 for long words that are no gestures."""
    if word in _STOP:
        return 0.12
    if word in _ROLE_WORDS or word in _ORDINALS:
        return 0.3
    if word in _GESTURES or word in _OPENERS:
        return 0.4
    return 0.7 + 0.06 * min(len(word), 10)


def _readings(words: tuple[str, ...], trust: float) -> list[Reading]:
    """The words without pointing verbs; also without openers; also without role words and ordinals."""
    base = _drop_leading(words, _GESTURES)
    opened = _drop_leading(base, _GESTURES | _OPENERS)
    made = []
    for words_left, share in ((base, 1.0), (opened, 0.97)):
        bare = _drop_trailing_roles(words_left)
        made += [Reading(words_left, trust * share), Reading(_drop_leading(bare, _STOP), trust * share)]
        unnumbered = tuple(w for w in bare if w not in _ORDINALS)
        if unnumbered != bare:
            made.append(Reading(_drop_leading(unnumbered, _STOP), trust * share * 0.9))
    if words != base:
        made.append(Reading(words, trust * 0.95))
    return [r for r in made if any(w not in _STOP for w in r.tokens)]


def _of_stop_words(words: tuple[str, ...]) -> list[Reading]:
    """Where nothing else is said: "All", "the To field", "go to All"."""
    if not _NAMELESS.issuperset(words):
        return []
    said = _drop_trailing_roles(words)
    start = max((i + 1 for i, w in enumerate(said) if w not in _STOP or w in _ARTICLES), default=0)
    said = said[start:]
    return [Reading(part, trust) for part, trust in ((said, 1.0), (said[-1:], 0.97)) if 0 < len(said) <= 2]


def _drop_leading(words: tuple[str, ...], dropped: frozenset[str]) -> tuple[str, ...]:
    """Leading words of ``dropped`` and stop words go, through the first article, unless nothing would be left."""
    for i, word in enumerate(words):
        if word in _ARTICLES and i + 1 < len(words):
            return words[i + 1 :]
        if word not in dropped and word not in _STOP:
            return words[i:]
    return words


def _drop_trailing_roles(words: tuple[str, ...]) -> tuple[str, ...]:
    end = len(words)
    while end > 1 and words[end - 1] in _ROLE_WORDS:
        end -= 1
    return words[:end]


def _split_relation(instruction: str) -> tuple[str, str | None, str]:
    """Head, relation word, tail; split at the first relation outside quotes with content on both sides; a kind of
    control alone, or "the one", will do before a relation that tells a side ("the button right of Save")."""
    masked = _QUOTES.sub(lambda m: "x" * len(m.group(0)), instruction)
    for found in re.finditer(rf"\b({_RELATIONS})\b", masked, re.IGNORECASE):
        head, tail = instruction[: found.start()], instruction[found.end() :]
        if found.group(1).casefold() == "between":  # the target comes after the first of the two
            tail, _, other = tail.partition(" and ")
            if not (other and _stands_there(head)):
                continue
        pointed = not _POINTED.isdisjoint(tokens(head))
        unnamed = found.group(1).casefold() in SIDED and pointed
        if (content(tokens(head)) or unnamed) and content(tokens(tail)):
            return head, found.group(1).casefold(), tail
    return instruction, None, ""


def _stands_there(head: str) -> bool:
    """Whether "between" tells a place behind these words ("the menu", "Save,", "the one"), not a choice ("switch")."""
    last = (tokens(head) or ("",))[-1]
    return head.rstrip().endswith(",") or last in (_POINTED | WRITTEN_SORTS | DRAWN_SORTS) - _GESTURES


def is_name(words: Sequence[str]) -> bool:
    """Whether words may be somebody's or something's name: not all of them verbs of pointing, roles, articles or
    single characters."""
    return any(
        len(w) > 1
        and w not in _STOP
        and w not in _GESTURES
        and w not in _OPENERS
        and w not in _ROLE_WORDS
        and w not in _ORDINALS
        for w in words
    )


def without_places(words: Sequence[str]) -> tuple[str, ...]:
    """Less the words that only tell how something stands to something else."""
    return tuple(w for w in words if w not in _OF_RELATIONS)


def content(words: Sequence[str]) -> tuple[str, ...]:
    """Without stop words, verbs of pointing and words for roles."""
    return tuple(w for w in words if w not in _STOP and w not in _GESTURES and w not in _ROLE_WORDS)


def _role(instruction: str, quoted: Sequence[str]) -> Role:
    plain = normalised(_QUOTES.sub(" ", instruction) if quoted else instruction)
    if re.match(rf"{_POLITE}(toggle|tick|untick|check|uncheck|enable|disable|turn (on|off)|switch (on|off))\b", plain):
        return Role.CHECK
    if re.match(rf"{_POLITE}((un)?mark|deselect|unselect)\b(?!.*\bas\b)", plain):  # "mark it as read" is another wish
        return Role.CHECK
    head = re.split(rf"\b(?:{_RELATIONS})\b", plain, maxsplit=1)[0]
    placed = _PLACED.search(plain)
    if placed and content(tokens(plain[: placed.start()])):  # says where it is, not what it is
        return Role.MENU if placed.group(1).endswith("menu") else Role.ANY
    relation = _split_relation(plain)[1]
    named = relation in (None, "of", "for") or re.search(rf"\b{relation} (?!(?:{'|'.join(_ARTICLES)})\b)", plain)
    for part in (head, plain) if named else (head,):  # "date of birth field", "look in box"
        for pattern, role in _ROLE_PHRASES:
            if re.search(rf"\b(?:{pattern})\W*$", part):
                return role
    if re.match(rf"{_POLITE}the (number|value|amount|text) (next to|for|of|beside|after|in)\b", plain):
        return Role.FIELD
    if re.match(rf"{_POLITE}(type|enter|write|fill|set|put|change|adjust|increase|decrease|raise|lower)\b", plain):
        return Role.FIELD
    return Role.ANY


def _glued(words: Sequence[str]) -> str:
    return "".join(words).translate(_CONFUSED)


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ing", "ers", "er", "ies", "es", "ed", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
