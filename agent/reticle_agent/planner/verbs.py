"""The words a step may start with."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reticle_agent.actions import Button

from .lexer import Token
from .wordlists import phrases

VerbKind = Literal["click", "press", "keys", "drag", "scroll", "type", "fill", "clear", "wait", "finish", "fail", "ask"]

EXAMPLES = "click, double-click, right-click, drag, scroll, type, press, wait, ask or finish"
"""Named in every message about words that are not understood."""


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb stands for."""

    kind: VerbKind
    button: Button = "left"
    count: Literal[1, 2, 3] = 1


_PLAIN: dict[VerbKind, str] = {
    "click": "choose,select,open,pick,check,tick,untick,uncheck,toggle,expand,collapse,focus,focus on,activate",
    "press": "press,press on,hit,tap,tap on,push,strike",
    "keys": "use,use the keyboard shortcut",
    "drag": "drag and drop,drag-and-drop,drag",
    "scroll": "scroll",
    "type": "type in,type out,type,write,enter,input,put,insert,fill in",
    "fill": "fill out,fill,set",
    "clear": "clear,empty",
    "wait": "wait for,wait,pause for,pause,sleep for,sleep",
    "finish": "finish with,finish,stop,done,end",
    "fail": "give up because,give up,fail with,fail",
    "ask": "ask me,ask the user,ask",
}
_COUNTS: dict[str, Literal[1, 2, 3]] = {"": 1, "single": 1, "double": 2, "triple": 3}
_BUTTONS: dict[str, Button] = {"": "left", "left": "left", "right": "right", "middle": "middle", "secondary": "right"}


def _table() -> dict[tuple[str, ...], Verb]:
    table = {words: Verb(kind) for kind, row in _PLAIN.items() for words in phrases(row)}
    for (count_word, count), (button_word, button) in itertools.product(_COUNTS.items(), _BUTTONS.items()):
        names = [name for name in (count_word, button_word, "click") if name]
        spellings = {tuple(names), ("-".join(names),), ("".join(names),), (*names[:-2], "-".join(names[-2:]))}
        for spelling in spellings:
            table[spelling] = table[(*spelling, "on")] = Verb("click", button, count)
    return table


VERBS = _table()
_LONGEST = max(map(len, VERBS))

FILLERS = sorted(
    phrases(
        "and,then,please,now,just,kindly,first,next,finally,lastly,afterwards,also,second,third,ok,okay,can you,"
        "could you,would you,will you,can you please,could you please,i want you to,i would like you to,"
        "i'd like you to,i want to,go ahead and,let's,you should,try to,after that,after which,start by,thanks,"
        "thank you,for me"
    ),
    key=len,
    reverse=True,
)
"""Polite or ordering words skipped before a verb, longest first."""

BARE = frozenset({"scroll", "finish", "fail"})
"""Kinds of verbs that make a step without an object."""


def skip_fillers(tokens: Sequence[Token], at: int) -> int:
    """Index of the first token that is not filler (``len(tokens)`` when all are)."""
    while at < len(tokens):
        for words in FILLERS:
            if starts_with(tokens, at, words):
                at += len(words)
                break
        else:
            break
    return at


def starts_with(tokens: Sequence[Token], at: int, words: tuple[str, ...]) -> bool:
    """Whether the tokens from ``at`` on are exactly these words, letter case aside."""
    return len(tokens) - at >= len(words) and all(t.low == w for t, w in zip(tokens[at:], words, strict=False))


def find_verb(tokens: Sequence[Token], at: int) -> tuple[Verb, int] | None:
    """The longest verb that starts at ``at`` and the index after it."""
    for length in range(_LONGEST, 0, -1):
        words = tuple(t.low.rstrip(":") for t in tokens[at : at + length])
        if len(words) == length and words in VERBS:
            return VERBS[words], at + length
    return None
