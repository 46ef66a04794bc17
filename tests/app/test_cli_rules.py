"""`reticle rules`: rules for applications are kept, end, and are told with what the model was measured at."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from reticle_app.cli.main import run_command
from reticle_app.config import load_settings, settings_path
from reticle_app.task import TaskOptions, risk_curve
from reticle_grounding.errors import BadInput
from reticle_grounding.evaluation.risk import Answer
from reticle_grounding.risk_curve import measured


@pytest.fixture(autouse=True)
def _fresh_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def shown(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capfd.readouterr()
    assert run_command(["rules", "show", "--json"]) == 0
    document: dict[str, Any] = json.loads(capfd.readouterr().out)
    return document


def test_a_rule_is_set_replaced_and_removed(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["rules", "set", "Mousepad", "click", "--for", "30m"]) == 0
    rule = load_settings().applications[0]
    assert rule.until is not None
    assert rule.since is not None
    assert rule.until - rule.since == timedelta(minutes=30)
    assert run_command(["rules", "set", "mousepad", "look"]) == 0
    assert [(r.app, r.level, r.until) for r in load_settings().applications] == [("mousepad", "look", None)]
    assert shown(capfd)["applications"] == [{"app": "mousepad", "level": "look", "until": None, "holds": True}]
    assert run_command(["rules", "remove", "MOUSEPAD"]) == 0
    assert load_settings().applications == ()


def test_an_ended_rule_is_told_as_such(capfd: pytest.CaptureFixture[str]) -> None:
    past = datetime.now(timezone.utc) - timedelta(hours=1)
    document = {"applications": [{"app": "x", "level": "type", "until": past.isoformat()}]}
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(json.dumps(document))
    assert shown(capfd)["applications"][0]["holds"] is False
    assert run_command(["rules", "show"]) == 0
    assert "(does not hold)" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["set", "x", "own"], "look, click, type, not 'own'"),
        (["set", " ", "look"], "needs the name"),
        (["set", "x", "look", "--for", "soon"], "30m, 2h or 7d"),
        (["set", "x", "look", "--for", "0m"], "30m, 2h or 7d"),
        (["remove", "x"], "no rule for 'x'"),
    ],
)
def test_rules_that_cannot_be_meant(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["rules", *arguments]) == 2
    assert said in capfd.readouterr().err
    assert not settings_path().exists()


def test_the_table_of_a_measured_curve(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answers = [Answer(0.9, True)] * 300 + [Answer(0.5, False)] * 100
    measured("m", ["a set"], answers).save(tmp_path / "risk.json")
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(json.dumps({"risk_curve": str(tmp_path / "risk.json"), "one_wrong_in": 1000}))
    risk = shown(capfd)["risk"]
    assert (risk["model"], risk["targets"]) == ("m", 400)
    goals = {goal["one_wrong_in"]: goal for goal in risk["goals"]}
    assert goals[100] == {"one_wrong_in": 100, "p_true": 0.9, "coverage": 0.75, "answered": 300, "wrong": 0}
    assert goals[1000]["p_true"] is None
    assert run_command(["rules", "show"]) == 0
    out = capfd.readouterr().out
    assert "at most 1 wrong in 100: acts alone on 75%, from p_true 0.90 on (0 of 300 were wrong)" in out
    assert "at most 1 wrong in 1000 (set): acts alone nowhere" in out


def test_a_missing_curve_is_told(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(json.dumps({"risk_curve": str(tmp_path / "none.json")}))
    assert shown(capfd)["risk"]["measured"] is False
    options = TaskOptions.of(load_settings(), "click ok", "auto")
    assert risk_curve(options) is None, "it is not needed without a risk"
    settings_path().write_text(json.dumps({"risk_curve": str(tmp_path / "none.json"), "one_wrong_in": 20}))
    with pytest.raises(BadInput, match="no risk curve"):
        risk_curve(TaskOptions.of(load_settings(), "click ok", "auto"))
