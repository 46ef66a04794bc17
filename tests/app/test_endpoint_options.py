"""`reticle run --planner endpoint`: options that do not fit, and a whole run on a virtual desktop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from agent_fakes.chat_server import ChatServer, chat_server, tool

from reticle_agent.session import virtual_desktop
from reticle_agent.trace import verify
from reticle_app.cli.main import run_command
from reticle_app.config import Settings
from reticle_app.planning import (
    KEY_VARIABLE,
    MEMORY_TOKENS,
    EndpointChoice,
    endpoint_choice,
    plan_with_endpoint,
    plan_with_rules,
)
from reticle_app.task import TaskOptions, run_on_desktop
from reticle_grounding.errors import BadInput

LOCAL = ("--planner", "endpoint", "--endpoint", "http://127.0.0.1:1/v1", "--endpoint-model", "m")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--planner", "magic"), "the planner is one of rules, endpoint"),
        (("--planner", "endpoint"), "needs --endpoint URL"),
        (("--planner", "endpoint", "--endpoint", "http://127.0.0.1/v1"), "--endpoint-model NAME"),
        (("--endpoint", "http://127.0.0.1/v1"), "only used with --planner endpoint"),
        (("--no-endpoint-text",), "only used with --planner endpoint"),
        ((*LOCAL[:3], "http://models.example/v1", *LOCAL[4:]), "another machine"),
        ((*LOCAL[:3], "gopher://x", *LOCAL[4:]), "must begin with http"),
        ((*LOCAL, "--endpoint-marks"), "send the picture too"),
        ((*LOCAL, "--endpoint-marks", "--endpoint-picture", "--no-endpoint-text"), "send the text"),
        ((*LOCAL, "--endpoint-timeout", "0"), "timeout"),
        ((*LOCAL, "--max-tokens", "0"), "at least one token"),
        (("--max-steps", "0"), "max-steps"),
    ],
)
def test_options_that_do_not_fit(capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    assert run_command(["run", "press Escape", "--dry-run", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_there_is_no_option_for_the_key(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "--help"]) == 0
    shown = capfd.readouterr().out
    assert "--endpoint-key" not in shown
    assert KEY_VARIABLE in shown


def test_key_comes_from_the_environment_alone() -> None:
    choice = endpoint_choice("endpoint", "http://127.0.0.1/v1", "m", {KEY_VARIABLE: "sk-secret-1"})
    assert choice is not None
    assert choice.key == "sk-secret-1"
    assert "sk-secret-1" not in repr(choice)
    plain = EndpointChoice("http://127.0.0.1/v1", "m", memory=MEMORY_TOKENS)
    assert endpoint_choice("endpoint", "http://127.0.0.1/v1", "m", {KEY_VARIABLE: ""}) == plain


def test_what_a_planner_means_for_the_run() -> None:
    rules = plan_with_rules("type the password 'hunter2'")
    assert (rules.told, rules.max_misses, rules.secrets) == (None, 0, ["hunter2"])
    choice = EndpointChoice("http://127.0.0.1/v1", "m", "sk-secret-1", text=False, picture=True)
    endpoint = plan_with_endpoint("type the password 'hunter2'", choice)
    assert endpoint.told is not None
    assert endpoint.max_misses == 2
    assert endpoint.secrets == ["hunter2", "sk-secret-1"]
    assert (
        endpoint.announcement
        == "the task goes to m at 127.0.0.1; what is on the screen is sent there (a picture of it)"
    )
    with pytest.raises(BadInput, match="empty"):
        plan_with_endpoint("  ", choice)


def test_rules_of_the_settings_reach_the_run() -> None:
    settings = Settings(forbidden_kinds=("keys",), forbidden_words=("bank",))
    options = TaskOptions.of(settings, "press Escape", "auto")
    assert (options.forbidden_kinds, options.forbidden_words) == (("keys",), ("bank",))


def no_model() -> NoReturn:
    raise AssertionError("keys need no place, so no model is asked")


class NoGrounder:
    name = "none"

    def observe(self, image: object) -> NoReturn:
        no_model()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


def test_whole_run_on_a_desktop(server: ChatServer, tmp_path: Path) -> None:
    """What the task says is done; what it does not say is refused, since nobody is there to be asked."""
    server.replies = [tool("hotkey", keys=["escape"]), tool("hotkey", keys=["ctrl", "q"])]
    told: list[str] = []
    options = TaskOptions(
        "press Escape",
        "auto",
        tmp_path,
        tmp_path / "trace",
        endpoint=EndpointChoice(server.url, "test-model", "sk-secret-1"),
    )
    with virtual_desktop(session_bus=False):
        result = run_on_desktop(options, None, NoGrounder, tell=told.append)
    assert (result.status, result.message) == ("refused", "nobody was there to approve it")
    assert "the task goes to test-model at 127.0.0.1; what is on the screen is sent there (its text)" in told
    assert verify(tmp_path / "trace") == []
    manifest = json.loads((tmp_path / "trace" / "manifest.json").read_text())
    assert manifest["models"][0]["name"] == "test-model"
    assert manifest["models"][0]["endpoint_kind"] == "openai"
    events = [json.loads(line) for line in (tmp_path / "trace" / "events.jsonl").read_text().splitlines()]
    assert [(e["args"]["keys"], e["delivered"]) for e in events if e["type"] == "act"] == [(["escape"], "sent")]
    assert [e["rule"] for e in events if e["type"] == "gate"][-1] == "the task does not say to press ctrl+q"
    assert "SCREEN TEXT" in server.requests[0]["messages"][1]["content"]
    assert server.headers[0]["Authorization"] == "Bearer sk-secret-1"
    written = "".join(path.read_text() for path in (tmp_path / "trace").glob("*.json*"))
    assert "sk-secret-1" not in written
    assert "127.0.0.1" not in written


def test_rules_are_still_the_default(tmp_path: Path) -> None:
    with virtual_desktop(session_bus=False):
        result = run_on_desktop(TaskOptions("press Escape", "dry-run", tmp_path, tmp_path / "t"), None, NoGrounder)
    assert result.status == "done"
    manifest = json.loads((tmp_path / "t" / "manifest.json").read_text())
    assert manifest["models"][0] == manifest["models"][0] | {"role": "planner", "name": "rules"}


def test_a_run_is_continued_from_its_trace(tmp_path: Path) -> None:
    task = "press Escape, then press Tab"
    first = TaskOptions(task, "auto", tmp_path, tmp_path / "1", max_steps=1)
    with virtual_desktop(session_bus=False):
        assert run_on_desktop(first, None, NoGrounder).status == "limit"
        second = TaskOptions(task, "auto", tmp_path, tmp_path / "2", resume=tmp_path / "1")
        assert run_on_desktop(second, None, NoGrounder).status == "done"
    before, after = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("1", "2"))
    assert after["task"]["parent_id"] == before["id"]
    events = [json.loads(line) for line in (tmp_path / "2" / "events.jsonl").read_text().splitlines()]
    assert [e["args"]["keys"] for e in events if e["type"] == "act" and e["kind"] == "hotkey"] == [["tab"]]


def test_continuing_nothing_is_bad_input(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run_command(["run", "press Escape", "--dry-run", "--continue", str(tmp_path / "none")]) == 2
    assert "no trace in" in capfd.readouterr().err
