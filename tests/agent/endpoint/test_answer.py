"""Any bytes are an answer of the interface or are refused; nothing else can come out."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from agent_fakes.chat_server import call, completion
from hypothesis import given, settings
from hypothesis import strategies as st

from reticle_agent.actions import Step
from reticle_agent.planner.endpoint.answer import read_answer
from reticle_agent.planner.endpoint.prompt import MAX_LINE, MAX_SCREEN, clean, shortened
from reticle_agent.planner.endpoint.tools import RefusedCallError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "content": values,
        "refusal": values,
        "tool_calls": values
        | st.lists(
            st.fixed_dictionaries({"function": values | st.fixed_dictionaries({"name": values, "arguments": values})}),
            max_size=3,
        ),
    },
)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | values.map(lambda v: json.dumps(v).encode()))
def test_any_body(body: bytes) -> None:
    with pytest.raises(RefusedCallError):
        read_answer(body)


@settings(max_examples=150, deadline=None)
@given(messages, values)
def test_any_message(message: object, usage: object) -> None:
    body = json.dumps({"choices": [{"message": message}], "usage": usage}).encode()
    try:
        step, left_out = read_answer(body).step()
    except RefusedCallError as error:
        refused = str(error)
    else:
        refused = ""
        assert isinstance(step, get_args(Step))
        assert left_out >= 0
    assert refused.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        completion(call("click", '{"target":"\\ud800"}')).body,
        completion(call("wait", '{"seconds":' + "9" * 5000 + "}")).body,
        completion(call("wait", {"seconds": 1e400})).body,
        completion(call("click", "[" * 50_000)).body,
        completion(call("click", '{"target":"a","target":5}')).body,
    ],
    ids=["half a surrogate pair", "huge number", "infinity", "deep", "name twice"],
)
def test_odd_arguments_are_refused(body: bytes) -> None:
    with pytest.raises(RefusedCallError):
        read_answer(body).step()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=40))
def test_screen_text_is_short_single_and_visible(lines: list[str]) -> None:
    for line in map(clean, lines):
        assert len(line) <= MAX_LINE + 3
        assert "\n" not in line
        json.dumps(line).encode("utf-8")
        line.encode("utf-8")
    assert sum(map(len, shortened(lines * 40))) <= MAX_SCREEN + 100
