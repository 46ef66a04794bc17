"""The findings on a real display, and without one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reticle_agent import doctor
from reticle_agent.doctor import Check, checks
from reticle_agent.stop import StopToken
from reticle_agent.stop_watch import StopWatch
from reticle_agent.x11 import X11
from reticle_grounding.errors import ReticleError

NAMES = ["display", "capture", "click", "typing", "overlay", "stop key", "model"]


@pytest.fixture
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model has its own tests; here it would only cost time."""
    monkeypatch.setattr(doctor, "_model", lambda folder: "skipped")


@pytest.fixture
def _no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """For findings that are not about input, whose tests are above."""
    monkeypatch.setattr(doctor, "_on_the_desktop", list)


@pytest.fixture
def _no_stop_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_stop_key", lambda: "skipped")


def by_name(found: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in found}


@pytest.mark.usefixtures("_no_model")
def test_everything_works_on_a_virtual_display(x_display: str) -> None:
    before = X11()
    before.root.warp_pointer(77, 88)
    before.raw.sync()
    subprocess.run(["xclip", "-selection", "clipboard", "-in"], input=b"mine", check=True, stdout=subprocess.DEVNULL)
    found = checks(overlay=lambda: "seen and see-through")
    assert [check.name for check in found] == NAMES
    assert [check.status for check in found] == ["ok"] * len(NAMES), found
    assert "1280x800" in by_name(found)["display"].detail
    assert "Ctrl+Alt+Escape stops within" in by_name(found)["stop key"].detail
    assert before.pointer() == (77, 88)
    kept = subprocess.run(["xclip", "-selection", "clipboard", "-out"], capture_output=True, check=True, timeout=10)
    assert kept.stdout == b"mine"
    before.close()


@pytest.mark.usefixtures("_no_model")
def test_without_a_display_all_but_the_model_fails_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    found = checks(overlay=lambda: "never called")
    assert [check.name for check in found] == NAMES
    assert [check.status for check in found] == ["fail"] * 6 + ["ok"]
    assert all("--virtual" in check.remedy for check in found[:6])
    assert "no display" in found[0].detail


@pytest.mark.usefixtures("_no_model", "_no_input", "_no_stop_key")
def test_failed_overlay_says_why(x_display: str) -> None:
    def broken() -> str:
        raise ReticleError("the overlay takes clicks")

    check = by_name(checks(overlay=broken))["overlay"]
    assert (check.status, check.detail) == ("fail", "the overlay takes clicks")
    assert check.remedy


@pytest.mark.usefixtures("_no_model", "_no_input")
def test_taken_stop_keys_fail(x_display: str) -> None:
    watches = [StopWatch(StopToken()) for _ in range(3)]
    try:
        check = by_name(checks())["stop key"]
    finally:
        for watch in watches:
            watch.close()
    assert check.status == "fail"
    assert "no stop key is free" in check.detail
    assert check.remedy


@pytest.mark.usefixtures("_no_model", "_no_input", "_no_stop_key")
def test_wayland_is_named(x_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    assert by_name(checks())["display"].status == "warn"


def test_missing_model_fails_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    check = checks(model_dir=tmp_path / "none")[-1]
    assert check.status == "fail"
    assert check.remedy
    assert os.linesep not in check.detail
