"""Properties of the rule planner on any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticle_agent.actions import (
    MAX_SCROLL,
    MAX_WAIT_S,
    AskUser,
    Click,
    Drag,
    Finish,
    Hotkey,
    Scroll,
    Step,
    TypeText,
    Wait,
)
from reticle_agent.planner import parse, parse_spans, render
from reticle_agent.planner.keys import KEY_NAMES
from reticle_agent.planner.wordlists import word_set
from reticle_grounding.errors import BadInput

VOCABULARY = word_set(
    "click press type 'x' \"y\" and then , . ... ; the Save OK Delete button Enter Ctrl+S Ctrl + - to into in field "
    "scroll down 3 times twice drag wait seconds 1. 2) > please with it all key keys fill set enter Find “a” ’ ‘"
) | {"\n"}
TYPED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"'), min_size=1, max_size=60)
WORDS = TYPED.filter(lambda text: bool(text.strip()) and not _mentions_a_secret(text))
KEYS = st.lists(st.sampled_from(sorted(set(KEY_NAMES.values()) | set("abz019[é"))), min_size=1, max_size=5).map(tuple)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        Click,
        WORDS,
        st.sampled_from(["left", "middle", "right"]),
        st.sampled_from([1, 2, 3]),  # type: ignore[arg-type]
    ),
    st.builds(Drag, WORDS, WORDS),
    st.builds(
        Scroll,
        st.sampled_from(["up", "down", "left", "right"]),  # type: ignore[arg-type]
        st.integers(1, MAX_SCROLL),
        st.none() | WORDS,
    ),
    st.builds(TypeText, TYPED, st.none() | WORDS, st.booleans()),
    st.builds(Hotkey, KEYS),
    st.builds(Wait, st.floats(0, MAX_WAIT_S)),
    st.builds(AskUser, WORDS),
    st.builds(Finish, st.booleans(), st.just("") | WORDS),
)


def _mentions_a_secret(text: str) -> bool:
    low = text.lower()
    return any(word in low for word in ("pass", "pin", "secret", "token", "api", "credential", "cvv", "cvc"))


@given(st.text(max_size=200) | st.lists(st.sampled_from(sorted(VOCABULARY)), max_size=25).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_steps_or_one_clear_line(task: str) -> None:
    try:
        parsed = parse_spans(task)
    except BadInput as refusal:
        parsed, reason = (), str(refusal)
    if not parsed:
        assert reason.strip()
        return
    assert all(0 <= p.start < p.end <= len(task) for p in parsed)
    assert [p.start for p in parsed] == sorted(p.start for p in parsed)


@given(TYPED)
@settings(max_examples=100, deadline=None)
def test_quoted_text_survives_verbatim(text: str) -> None:
    steps = parse(f'click the Name field, type "{text}" and press Enter')
    assert steps == (Click("the Name field"), TypeText(text), Hotkey(("enter",)))


@given(st.lists(STEPS, min_size=1, max_size=5), st.sampled_from([", then ", "; ", ". ", "\n", ", ", " and then "]))
@settings(max_examples=150, deadline=None)
def test_rendered_steps_parse_back(steps: list[Step], joint: str) -> None:
    assert parse(joint.join(map(render, steps))) == tuple(steps)


def test_text_with_every_quotation_mark_cannot_be_rendered() -> None:
    with pytest.raises(ValueError, match="quotation mark"):
        render(TypeText('"”»`“'))
