"""`reticle trace memory` and the planner's options for memory and examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agent_fakes.recorded import recorded

from reticle_agent.memory.turns import SEEN
from reticle_agent.trace import TraceWriter
from reticle_app.cli.main import run_command
from reticle_app.planning import MEMORY_TOKENS, endpoint_choice, plan_with_endpoint
from reticle_grounding.errors import BadInput

URL = "http://127.0.0.1:1/v1"
LOCAL = ("--planner", "endpoint", "--endpoint", URL, "--endpoint-model", "m")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    with TraceWriter.create(tmp_path / "run", task="copy the order number") as made:
        for step in range(12):
            lines = ["File", "Edit", f"Page {step}", *(["Order number", "A-20931"] if step == 2 else [f"Item {step}"])]
            made.event("plan", step=step, subgoal="Wait")
            made.event("note", step=step, about=SEEN, message="read", lines=lines)
        made.finish("done")
    return tmp_path / "run"


def reticle(capfd: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = run_command([str(arg) for arg in args])
    out, err = capfd.readouterr()
    return code, out, err


def test_what_fits_the_budget_is_shown(trace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = reticle(capfd, "trace", "memory", trace, "the order number", "--budget", "60", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert any("A-20931" in line for part in told["recalled"] for line in part["lines"])
    assert told["tokens"] <= 60
    assert told["segments"][-1][1] == 11
    assert "A-20931" in reticle(capfd, "trace", "memory", trace, "the order number")[1]
    assert reticle(capfd, "trace", "memory", trace, "the order number", "--budget", "3")[0] == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["NOWHERE", "order"], "no trace in"),
        (["TRACE", "  "], "say what is looked for"),
        (["TRACE", "order", "--budget", "0"], "--budget"),
        (["BLIND", "order"], "--read reads it from the pictures"),
    ],
)
def test_bad_input(trace: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], args: list[str], said: str) -> None:
    places = {"NOWHERE": tmp_path / "nowhere", "TRACE": trace, "BLIND": recorded(tmp_path / "blind")}
    code, out, err = reticle(capfd, "trace", "memory", *[places.get(arg, arg) for arg in args])
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--endpoint-memory", "100"), "only used with --planner endpoint"),
        (("--endpoint-examples", "2"), "only used with --planner endpoint"),
        ((*LOCAL, "--endpoint-examples", "99"), "0 to 8"),
        (
            (
                "--planner",
                "endpoint",
                "--endpoint",
                URL,
                "--endpoint-model",
                "m",
                "--no-endpoint-text",
                "--endpoint-memory",
                "100",
            ),
            "send the text of the screen too",
        ),
    ],
)
def test_options_that_do_not_fit(capfd: pytest.CaptureFixture[str], args: tuple[str, ...], said: str) -> None:
    code, out, err = reticle(capfd, "run", "press Escape", "--dry-run", *args)
    assert (code, out) == (2, "")
    assert said in err


def test_memory_is_on_where_text_is_sent_and_examples_are_off() -> None:
    choice = endpoint_choice("endpoint", URL, "m", {})
    assert choice is not None
    assert (choice.memory, choice.examples) == (MEMORY_TOKENS, 0)
    blind = endpoint_choice("endpoint", URL, "m", {}, text=False)
    assert blind is not None
    assert blind.memory == 0
    with pytest.raises(BadInput, match="0 to 8"):
        endpoint_choice("endpoint", URL, "m", {}, examples=-1)


def test_examples_are_announced_before_they_are_sent(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "a", task="print the invoice for Freya") as made:
        call = {"tool": "click", "arguments": {"target": "Print"}}
        made.event("plan", step=0, subgoal="Click", call=call)
        made.event("act", step=0, kind="click", args={"target": "Print"}, delivered="sent")
        made.finish("done")
    choice = endpoint_choice("endpoint", URL, "m", {}, examples=3)
    assert choice is not None
    told = plan_with_endpoint("print the invoice for Amir", choice, tmp_path).announcement
    assert "so are 1 earlier runs of similar tasks" in told
    silent = endpoint_choice("endpoint", URL, "m", {})
    assert silent is not None
    assert "earlier runs" not in plan_with_endpoint("print the invoice for Amir", silent, tmp_path).announcement
