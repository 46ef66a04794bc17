"""The token file, the extras, the addresses and the Python interface."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from app_fakes.serving import png, squares

from reticle_agent.actions import Hotkey
from reticle_agent.seams import ApprovalRequest
from reticle_agent.stop import StopToken
from reticle_app.api import Reticle
from reticle_app.approvers import DENY, ProcessApprover
from reticle_app.cli.main import run_command
from reticle_app.config import Settings
from reticle_app.server import extras
from reticle_app.server.token import server_token
from reticle_grounding.errors import BadInput, Cancelled

REQUEST = ApprovalRequest(Hotkey(("ctrl", "s")), "Press Ctrl+S", None, None, None, "every step")


def test_a_token_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "server-token"
    token = server_token(path)
    assert len(token) >= 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert server_token(path) == token
    assert [entry.name for entry in path.parent.iterdir()] == ["server-token"]
    assert server_token(tmp_path / "other") != token


@pytest.mark.parametrize(("text", "mode", "words"), [("x" * 40, 0o644, "read by others"), ("short", 0o600, "no token")])
def test_a_token_that_is_none_is_refused(tmp_path: Path, text: str, mode: int, words: str) -> None:
    path = tmp_path / "server-token"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(BadInput, match=words):
        server_token(path)


@pytest.mark.parametrize("command", ["serve", "mcp"])
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert run_command([command]) == 2
    extra = "server" if command == "serve" else "mcp"
    assert f"pip install 'reticle[{extra}]'" in capfd.readouterr().err


def test_the_number_type_of_the_settings_is_followed(tmp_path: Path) -> None:
    settings = Settings(dtype="bf16", traces=tmp_path / "traces", models=tmp_path / "models")
    with Reticle.open(settings=settings) as reticle:
        assert reticle._grounder.numbers == "bf16"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", "::"])
def test_only_this_machine(host: str) -> None:
    pytest.importorskip("uvicorn", reason="the extra `server` is not installed")
    from reticle_app.server.listen import Address

    with pytest.raises(BadInput, match="forward the port with ssh"):
        Address(host).listen()


@pytest.mark.parametrize("script", ["", "print('{}')", "print('yes')", 'print(\'{"decision": "stop"}\')'])
def test_whatever_is_no_clear_answer_refuses(script: str) -> None:
    import sys

    assert ProcessApprover(StopToken(), [sys.executable, "-c", script]).decide(REQUEST) == DENY
    assert ProcessApprover(StopToken(), ["/no/such/program"]).decide(REQUEST) == DENY


def test_no_answer_refuses_and_a_stop_ends_the_waiting() -> None:
    token = StopToken()
    assert ProcessApprover(token, ["sleep", "60"], timeout_s=0.2).decide(REQUEST) == DENY
    token.stop("hotkey")
    with pytest.raises(Cancelled):
        ProcessApprover(token, ["sleep", "60"]).decide(REQUEST)


def test_pictures_in_every_form_are_the_same(make_reticle: Callable[..., Reticle], tmp_path: Path) -> None:
    path = tmp_path / "squares.png"
    path.write_bytes(png())
    with make_reticle() as reticle:
        forms = (squares(), png(), path, str(path))
        points = {reticle.ground(form, "the red square").candidates[0].point for form in forms}
        assert len(points) == 1
        with pytest.raises(BadInput, match="top_k"):
            reticle.ground(path, "red", top_k=0)
        with pytest.raises(BadInput, match="no name of a trace"):
            reticle.trace(f"..{os.sep}elsewhere")
