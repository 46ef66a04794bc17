"""Where one step ends and the next begins.

``then``, ``;``, a full stop and a new line always separate. ``and``, a comma and ``...`` separate only when a step
starts after them; otherwise they belong to the name before them ("Find and Replace..."). Quoted text is never looked
into.
"""

from __future__ import annotations

from collections.abc import Sequence

from .keys import read_keys
from .lexer import Token
from .verbs import BARE, FILLERS, VERBS, find_verb, skip_fillers, starts_with
from .wordlists import word_set

_STRONG_WORDS = (("then",), ("after", "that"), ("after", "which"), ("followed", "by"))
PLACES = word_set("in into inside within at on onto to for under over above below beside near between from of")
"""Words that begin a phrase about a place."""
_CONTINUES = PLACES | word_set("the a an next left right not with which that whose by where")
"""A comma before one of these adds to the target: ``the Delete button, in the second row``."""
_OBJECTS = word_set("it them this that these those me us the a an your my its his her their")


def split(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cuts the tokens into one list per step; none is empty or made of filler alone."""
    parts: list[list[Token]] = [[]]
    at = 0
    while at < len(tokens):
        skip = _boundary(tokens, at, parts[-1])
        if skip:
            parts.append([])
            at += skip
        else:
            parts[-1].append(tokens[at])
            at += 1
            if _after_ellipsis(tokens, at, parts[-1]):
                parts.append([])
    return [part for part in parts if skip_fillers(part, 0) < len(part)]


def _boundary(tokens: Sequence[Token], at: int, part: Sequence[Token]) -> int:
    """How many tokens at ``at`` separate steps; 0 when they belong to the current one."""
    token = tokens[at]
    if token.kind == "sep":
        return 1 if token.text != "," or _comma_separates(tokens, at + 1, part) else 0
    for words in _STRONG_WORDS:
        if starts_with(tokens, at, words):
            return len(words)
    if token.low != "and" or not part or _inside_phrase(tokens, at):
        return 0
    return 1 if _and_separates(tokens, at + 1, part) else 0


def _inside_phrase(tokens: Sequence[Token], at: int) -> bool:
    """``drag and drop``, ``go ahead and``: the ``and`` at ``at`` belongs to a verb or to filler."""
    return any(
        word == "and" and at >= before and starts_with(tokens, at - before, words)
        for words in (*VERBS, *FILLERS)
        for before, word in enumerate(words)
        if len(words) > 1
    )


def _comma_separates(tokens: Sequence[Token], after: int, part: Sequence[Token]) -> bool:
    follows = skip_fillers(tokens, after)
    first = skip_fillers(part, 0)
    if first < len(part) and part[first].low in PLACES:
        verb = find_verb(tokens, follows)
        return verb is None or verb[0].kind != "type"
    word = tokens[follows].low if follows < len(tokens) else ""
    return follows > after or word not in _CONTINUES or _starts_step(tokens, after, part)


def _and_separates(tokens: Sequence[Token], after: int, part: Sequence[Token]) -> bool:
    if tokens[after : after + 1] and tokens[after].text == "," and tokens[after].kind == "sep":
        return True
    if any(starts_with(tokens, after, words) for words in _STRONG_WORDS):
        return True
    verb = find_verb(part, skip_fillers(part, 0))
    if verb and verb[0].kind == "click" and _is_quoted_only(part[verb[1] :]) and _is_quoted_only(tokens[after:]):
        return True
    if verb and verb[0].kind == "type" and read_keys(_until_separator(tokens, after)):
        return True
    return _starts_step(tokens, after, part) or _is_unknown_request(tokens, after)


def _is_quoted_only(tokens: Sequence[Token]) -> bool:
    """Whether the tokens up to the next separator are one quotation."""
    follows_separator = len(tokens) == 1 or (len(tokens) > 1 and (tokens[1].kind == "sep" or tokens[1].low == "and"))
    return follows_separator and tokens[0].kind == "quoted"


def _starts_step(tokens: Sequence[Token], at: int, part: Sequence[Token]) -> bool:
    """Whether a verb with something to act on begins at ``at`` (capitalised names joined by ``and`` are one name)."""
    begin = skip_fillers(tokens, at)
    found = find_verb(tokens, begin)
    if found is None:
        return False
    verb, after = found
    rest = _until_separator(tokens, after)
    if verb.kind in BARE and not rest:
        return tokens[begin].low in ("finish", "scroll", "give")
    if not rest:
        return False
    is_name = begin == at and tokens[begin].text[:1].isupper() and bool(part) and part[-1].text[:1].isupper()
    return not is_name or (verb.kind == "press" and read_keys(rest) is not None)


def _is_unknown_request(tokens: Sequence[Token], at: int) -> bool:
    """``and make it nicer`` is a request, not a name: a lower-case word followed by what it is done to."""
    if at + 1 >= len(tokens):
        return False
    word = tokens[at].text if tokens[at].kind == "word" else ""
    return word.isalpha() and word.islower() and word not in _CONTINUES and tokens[at + 1].low in _OBJECTS


def _after_ellipsis(tokens: Sequence[Token], at: int, part: Sequence[Token]) -> bool:
    last = part[-1]
    return last.kind == "word" and last.text.endswith(("...", "…")) and len(part) > 1 and _starts_step(tokens, at, part)


def _until_separator(tokens: Sequence[Token], at: int) -> str:
    """The words from ``at`` up to the next separator of any kind."""
    words = []
    for index in range(at, len(tokens)):
        token = tokens[index]
        if token.kind == "sep" or any(starts_with(tokens, index, strong) for strong in _STRONG_WORDS):
            break
        words.append(token.text)
    return " ".join(words)
