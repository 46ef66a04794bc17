"""Published training records as text and labels: coordinates become pointer tokens, turns become a chat.

A record lists turns ``{"from": "human" | "gpt" | "system", "value": ..., "recipient": "os", "end_turn": true}``; the
first human turn holds the picture as ``<image>``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reticle_grounding.errors import BadInput
from reticle_grounding.model.prompts import IMAGE_PAD, POINTER_END, POINTER_PAD, POINTER_START, PromptProfile

IGNORED = -100
"""Label of tokens that are not learned."""
POINTER = f"{POINTER_START}{POINTER_PAD}{POINTER_END}"
PICTURE = f"<|vision_start|>{IMAGE_PAD}<|vision_end|>"
EDGE = 0.001
"""Coordinates keep this distance from 0 and 1."""
_NUMBER = r"(-?\d*\.?\d+)"
_PAIR = rf"\[\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\]"
_FORMS = (rf"x={_NUMBER},\s*y={_NUMBER}", rf"from_coord={_PAIR},\s*to_coord={_PAIR}")
_BARE = rf"\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)"


@dataclass(frozen=True, slots=True)
class AnswerStyle:
    """How one family writes coordinates as pointers."""

    bare: bool = False
    """``(x, y)`` is a coordinate too."""
    one_per_drag: bool = False
    """Both ends of a drag share one pointer."""


STYLES: Mapping[str, AnswerStyle] = {
    "gui_actor": AnswerStyle(),
    "gui_aima": AnswerStyle(one_per_drag=True),
    "focusui": AnswerStyle(bare=True),
}


def with_pointers(answer: str, style: AnswerStyle) -> tuple[str, list[tuple[float, float]]]:
    """The answer with pointer tokens in place of its coordinates, and those coordinates in reading order."""
    pattern = re.compile("|".join((*_FORMS, _BARE) if style.bare else _FORMS))
    found: list[tuple[float, float]] = []

    def replaced(match: re.Match[str]) -> str:
        values = [_inside(float(v)) for v in match.groups() if v is not None]
        pairs = list(zip(values[::2], values[1::2], strict=True))
        found.extend(pairs)
        return ", ".join([POINTER] * (1 if style.one_per_drag else len(pairs)))

    return pattern.sub(replaced, answer), found


def _inside(value: float) -> float:
    return min(max(value, EDGE), 1 - EDGE)


def parts(
    turns: Sequence[Mapping[str, object]], profile: PromptProfile, style: AnswerStyle, second_system: str = ""
) -> list[tuple[str, bool]]:
    """The chat as pieces of text, each with whether it is learned. One image pad stands for the picture.

    Args:
        second_system: a further system turn after the profile's own; published FocusUI models on Qwen2.5-VL were
            trained with one.

    Raises BadInput for a turn of an unknown speaker or a record whose first human turn shows no picture.
    """
    out = [(_turn("system", text), False) for text in (profile.system, second_system) if text]
    for index, turn in enumerate(turns):
        speaker, text = turn.get("from"), str(turn.get("value", ""))
        if speaker == "human":
            out.append((_turn("user", text.replace("<image>", PICTURE, 1)), False))
        elif speaker == "gpt":
            ending = "<|diff_marker|>" if turn.get("end_turn", True) else "<|im_end|>"
            answer = with_pointers(text, style)[0]
            out.append((f"<|im_start|>assistant<|recipient|>{turn.get('recipient', 'os')}\n{answer}{ending}\n", True))
        else:
            raise BadInput(f"turn {index + 1} of the record is from {speaker!r}; human or gpt is expected")
    if PICTURE not in "".join(text for text, _ in out):
        raise BadInput("the record shows no picture: its first human turn lacks <image>")
    return out


def _turn(role: str, text: str) -> str:
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


def token_labels(ids: Sequence[int], learned: Sequence[bool], pointer_end: int) -> list[int]:
    """Language labels: learned tokens themselves, :data:`IGNORED` elsewhere and at the end of a pointer."""
    pairs = zip(ids, learned, strict=True)
    return [token if is_learned and token != pointer_end else IGNORED for token, is_learned in pairs]
