"""Tool calls become steps of the closed set or are refused."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reticle_agent.actions import AskUser, Click, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.planner.endpoint.tools import RefusedCallError, as_call, read_call, tool_name, tool_schemas, tools

GOOD: list[tuple[str, dict[str, Any], Step]] = [
    ("click", {"target": "Save"}, Click("Save")),
    ("click", {"target": "Save", "button": "right", "count": 1}, Click("Save", "right")),
    ("drag", {"source": "a", "destination": "b"}, Drag("a", "b")),
    ("scroll", {"direction": "down"}, Scroll("down")),
    ("scroll", {"direction": "up", "amount": 3, "target": None}, Scroll("up", 3)),
    ("type_text", {"text": "one\ntwo"}, TypeText("one\ntwo")),
    ("type_text", {"text": "x", "target": "Name"}, TypeText("x", "Name")),
    ("hotkey", {"keys": ["Control", "S"]}, Hotkey(("ctrl", "s"))),
    ("wait", {"seconds": 2}, Wait(2.0)),
    ("ask_user", {"question": "which one?"}, AskUser("which one?")),
    ("done", {"success": True}, Finish(True)),
    ("done", {"success": False, "message": "no such file"}, Finish(False, "no such file")),
]
BAD: list[tuple[str, str, str]] = [
    ("run_shell", "{}", "there is no tool 'run_shell'"),
    ("Click", '{"target":"Save"}', "there is no tool"),
    ("\x1b[2J<script>", "{}", "there is no tool '??2J?script?'"),
    ("click", "", "target: Field required"),
    ("click", "{", "no JSON object"),
    ("click", "null", "object"),
    ("click", '["Save"]', "object"),
    ("click", '{"target":"Save","x":3,"y":4}', "x: Extra inputs are not permitted"),
    ("click", '{"target":5}', "target: Input should be a valid string"),
    ("click", '{"target":"  "}', "needs words"),
    ("click", '{"target":""}', "at least 1 character"),
    ("click", json.dumps({"target": "a" * 401}), "at most 400"),
    ("click", '{"target":"a","count":4}', "1, 2 or 3"),
    ("click", '{"target":"a","count":"2"}', "1, 2 or 3"),
    ("click", '{"target":"a","button":"back"}', "button"),
    ("click", '{"target":"Sa\\u202eve"}', "invisible"),
    ("click", '{"target":"Save\\u0000"}', "invisible"),
    ("drag", '{"source":"a"}', "destination: Field required"),
    ("scroll", '{"direction":"down","amount":101}', "less than or equal to 100"),
    ("scroll", '{"direction":"down","amount":2.5}', "integer"),
    ("scroll", '{"direction":"down","amount":true}', "integer"),
    ("type_text", '{"text":""}', "at least 1"),
    ("type_text", json.dumps({"text": "a" * 10_001}), "at most 10000"),
    ("type_text", '{"text":"a","secret":true}', "secret: Extra inputs"),
    ("type_text", '{"text":"a\\u001b[A"}', "invisible"),
    ("hotkey", '{"keys":[]}', "at least 1 item"),
    ("hotkey", '{"keys":"ctrl+s"}', "keys"),
    ("hotkey", '{"keys":["ctrl","frob"]}', "no key 'frob'"),
    ("hotkey", '{"keys":["a","b","c","d","e","f"]}', "at most 5"),
    ("wait", '{"seconds":601}', "600"),
    ("wait", '{"seconds":NaN}', "seconds"),
    ("wait", '{"seconds":-1}', "seconds"),
    ("ask_user", "{}", "question"),
    ("done", '{"success":1}', "boolean"),
    ("done", '{"success":true,"message":5}', "string"),
]


@pytest.mark.parametrize(("name", "arguments", "step"), GOOD)
def test_good_calls(name: str, arguments: dict[str, Any], step: Step) -> None:
    assert read_call(name, json.dumps(arguments)) == step
    assert tool_name(step) == name


@pytest.mark.parametrize(("name", "arguments", "said"), BAD)
def test_bad_calls_are_refused_by_name(name: str, arguments: str, said: str) -> None:
    with pytest.raises(RefusedCallError) as refused:
        read_call(name, arguments)
    assert said in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_every_step_has_a_tool_and_nothing_else_has() -> None:
    assert {tool.kind for tool in tools().values()} == set(get_args(Step))


def test_schemas_agree_with_what_is_accepted() -> None:
    schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tool_schemas()}
    assert set(schemas) == set(tools())
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        assert schema["additionalProperties"] is False, name
        assert "title" not in json.dumps(schema)
    for name, arguments, _ in GOOD:
        assert not list(Draft202012Validator(schemas[name]).iter_errors(arguments)), (name, arguments)


def test_record_of_a_step_leaves_secrets_out() -> None:
    assert as_call(TypeText("hunter2", "Password", secret=True)) == {
        "tool": "type_text",
        "arguments": {"text": "(secret)", "target": "Password"},
    }
    assert as_call(Hotkey(("ctrl", "s")))["arguments"] == {"keys": ["ctrl", "s"]}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(tools())) | st.text(max_size=12), st.text(max_size=40) | json_values.map(json.dumps))
def test_any_call_is_a_step_or_refused(name: str, arguments: str) -> None:
    try:
        step = read_call(name, arguments)
    except RefusedCallError:
        return
    assert isinstance(step, get_args(Step))
