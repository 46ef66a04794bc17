"""Clauses that type: which words are the text, which are the place."""

from __future__ import annotations

from reticle_agent.actions import Hotkey, Step, TypeText
from reticle_grounding.errors import BadInput

from .keys import read_keys
from .phrase import Phrase, is_secret, target_of
from .verbs import Verb
from .wordlists import word_set

FIELD_NOUNS = word_set(
    "field fields box bar area input editor entry document window terminal cell form textbox prompt console page "
    "dialog textarea column row pane"
)
_PLACES = word_set("in into to on at inside as for")
_DETERMINERS = word_set("the a an my your his her our some this that these those it")
_TEXT_NOUNS = word_set("text word words phrase string characters value number name query letters")
_FREE_TEXT_VERBS = frozenset({"type", "write"})
"""Verbs whose text may stand without quotation marks."""
_PLACEHOLDERS = word_set("it that this these those something anything nothing everything whatever text")
MAX_PREAMBLE = 6
"""Words allowed between the verb and the quoted text: ``type my new e-mail address 'x'``."""


def type_text(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    """``type [the password] 'x' [into target]``, ``type into target: 'x'``, ``type words``."""
    quoted_at = rest.find(lambda t: t.kind == "quoted")
    if not rest:
        if whole.words[-1] == "enter":
            return (Hotkey(("enter",)),)
        raise _missing_text(whole)
    if quoted_at is None:
        return _free_text(verb, rest, whole)
    if (rest.words[0] in _PLACES and quoted_at) or _is_place_after_in(rest, whole):
        return (_place_first(rest, whole),)
    if "with" in rest.words[:quoted_at]:
        return fill(verb, rest, whole)
    _check_preamble(rest[:quoted_at], whole)
    typed, after = rest.tokens[quoted_at], rest[quoted_at + 1 :]
    return (TypeText(typed.text, _place_after(after, whole), is_secret(whole, typed)),)


def fill(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    """``fill target with 'x'``, ``set target to 'x'``, ``fill 'x' into target``."""
    is_set = whole.words[-len(rest) - 1] == "set"
    cut = next((i for i in range(len(rest) - 1, 0, -1) if rest.words[i] == ("to" if is_set else "with")), None)
    if cut is None:
        if rest and rest.tokens[0].kind == "quoted":
            return type_text(verb, rest, whole)
        raise BadInput(f"\"{whole.written}\" does not say with what; say e.g. fill the name field with 'Ada'")
    value = rest[cut + 1 :]
    if "with" in rest.words[:cut]:
        raise BadInput(f'"{whole.written}" names several fields; fill one in each step')
    if not value or (value.tokens[0].kind == "quoted") != (len(value) == 1 and value.tokens[0].kind == "quoted"):
        raise _missing_text(whole)
    if value.tokens[0].kind != "quoted" and (is_set or value.words[0] in _DETERMINERS):
        raise _missing_text(whole)
    secret = is_secret(whole, value.tokens[0] if len(value) == 1 else None)
    return (TypeText(value.text, target_of(rest[:cut], whole), secret),)


def _is_place_after_in(rest: Phrase, whole: Phrase) -> bool:
    """``type in the Name field 'x'``: the words of the verb hold the preposition."""
    before_last = rest.words[-2].rstrip(":") if len(rest) > 1 else ""
    return rest.tokens[-1].kind == "quoted" and before_last in FIELD_NOUNS and whole.words[-len(rest) - 1] == "in"


def _place_first(rest: Phrase, whole: Phrase) -> TypeText:
    typed = rest.tokens[-1]
    place = rest[1:-1] if rest.words[0] in _PLACES else rest[:-1]
    if typed.kind != "quoted" or not place:
        raise _missing_text(whole)
    target = target_of(place, whole).rstrip(" :")
    return TypeText(typed.text, target, is_secret(whole, typed))


def _check_preamble(words: Phrase, whole: Phrase) -> None:
    """What stands between the verb and the quoted text only describes it."""
    if not words or words.written.endswith(":"):
        return
    describes = words.words[0] in _DETERMINERS | _TEXT_NOUNS or is_secret(words, None)
    if not describes or len(words) > MAX_PREAMBLE:
        raise BadInput(f'I do not understand "{words.written}" in "{whole.written}"; type only what is in quotes')


def _place_after(after: Phrase, whole: Phrase) -> str | None:
    """``into the search field`` behind the text; None when nothing or only ``there`` follows."""
    if not after or after.words in (("there",), ("here",)):
        return None
    if after.words[0] not in _PLACES:
        raise BadInput(f'I do not understand "{after.written}" in "{whole.written}"; say e.g. into the search field')
    return target_of(after[1:], whole)


def _free_text(verb: Verb, rest: Phrase, whole: Phrase) -> tuple[Step, ...]:
    """Text without quotation marks; a place is told apart by ``into`` or by ending in a word such as ``field``."""
    said = whole.words[-len(rest) - 1] if len(whole) > len(rest) else ""
    is_reference = len(rest) > 1 and rest.words[0] in _DETERMINERS | _PLACES | _TEXT_NOUNS
    is_reference = is_reference or rest.words in {(word,) for word in _PLACEHOLDERS}
    if _names_keys(rest):
        raise BadInput(f'"{whole.written}" could be keys or text; say press for keys, or put the text in quotes')
    if is_reference or (said not in _FREE_TEXT_VERBS and not rest.text.isdecimal()):
        raise _missing_text(whole)
    cut = _free_place(rest)
    if cut is None:
        return (TypeText(rest.written, None, is_secret(whole[: -len(rest)], None)),)
    target = target_of(rest[cut + 1 :], whole)
    return (TypeText(rest[:cut].written, target, is_secret(rest[cut:], None)),)


def _names_keys(rest: Phrase) -> bool:
    """Whether the words are names of keys (single characters are text)."""
    chords = read_keys(rest.text) or ()
    return any(len(key) > 1 for keys in chords for key in keys)


def _free_place(rest: Phrase) -> int | None:
    for cut in range(len(rest) - 2, 0, -1):
        if rest.words[cut] == "into" or (rest.words[cut] in _PLACES and rest.words[-1] in FIELD_NOUNS):
            return cut
    return None


def _missing_text(whole: Phrase) -> BadInput:
    return BadInput(f"\"{whole.written}\" does not say what to type; put the text in quotes, e.g. type 'hello'")
