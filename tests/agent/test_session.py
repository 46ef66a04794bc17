"""A private desktop and a started application: they come up, say what is wrong, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from reticle_agent.processes import Supervised
from reticle_agent.session import Desktop, display_problem, launch, split_command, virtual_desktop
from reticle_agent.x11 import X11, DisplayError
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Size

SLEEPER = ["sleep", "1000"]


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_desktop_has_its_size_and_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":none")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    monkeypatch.delenv("XAUTHORITY", raising=False)
    with virtual_desktop(Size(800, 600)) as desktop:
        assert os.environ["DISPLAY"] == desktop.display != ":none"
        assert "WAYLAND_DISPLAY" not in os.environ
        assert display_problem() is None
        x11 = X11()
        screen = x11.raw.screen()
        assert (screen.width_in_pixels, screen.height_in_pixels) == (800, 600)
        x11.close()
        authority = Path(os.environ["XAUTHORITY"])
        assert authority.stat().st_mode & 0o077 == 0
    assert os.environ["DISPLAY"] == ":none"
    assert os.environ["WAYLAND_DISPLAY"] == "wayland-7"
    assert "XAUTHORITY" not in os.environ
    assert not authority.exists()
    with pytest.raises(DisplayError):
        X11(desktop.display)


def test_a_stranger_is_not_let_onto_the_desktop(tmp_path: Path) -> None:
    with virtual_desktop() as desktop:
        stranger = {**os.environ, "XAUTHORITY": str(tmp_path / "none"), "HOME": str(tmp_path)}
        query = subprocess.run(["xdpyinfo", "-display", desktop.display], env=stranger, capture_output=True, text=True)
        assert query.returncode != 0


def test_two_desktops_at_once_are_two_displays() -> None:
    with virtual_desktop() as one, virtual_desktop() as other:
        assert one.display != other.display


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReticleError, match=r"needs the program Xvfb.*apt install xvfb"), virtual_desktop():
        pass


def test_no_display_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert "no display" in (display_problem() or "")
    with pytest.raises(DisplayError, match="no display"), launch("sleep 1"):
        pass


@pytest.mark.parametrize(("command", "message"), [("", "empty"), ("'a", "cannot be read"), ("''", "empty")])
def test_commands_that_cannot_be_read(command: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        split_command(command)


def test_command_is_cut_without_a_shell() -> None:
    assert split_command("mousepad 'a b.txt' $HOME ;ls") == ["mousepad", "a b.txt", "$HOME", ";ls"]


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    with virtual_desktop() as running:
        yield running


@pytest.mark.usefixtures("desktop")
class TestLaunch:
    def test_window_is_there_and_the_program_ends(self) -> None:
        with launch("mousepad --disable-server") as application:
            assert "Mousepad" in application.title
            assert alive(application.process.pid)
        assert not alive(application.process.pid)

    def test_kept_application_lives_on(self) -> None:
        with launch("galculator", keep=True) as application:
            pass
        try:
            assert alive(application.process.pid)
        finally:
            os.killpg(application.process.pid, signal.SIGKILL)

    def test_missing_program_is_named(self) -> None:
        with pytest.raises(BadInput, match="no program 'no-such-program'"), launch("no-such-program --x"):
            pass

    def test_program_that_fails_is_quoted(self) -> None:
        script = "import sys; print('out of paper', file=sys.stderr); sys.exit(3)"
        with pytest.raises(ReticleError, match=r"exit code 3.*out of paper"), launch([sys.executable, "-c", script]):
            pass

    def test_program_without_a_window_is_ended(self) -> None:
        with pytest.raises(ReticleError, match=r"sleep opened no window within 0\.3 s"), launch(SLEEPER, timeout_s=0.3):
            pass


def test_an_application_ended_in_the_middle_leaves_no_mark() -> None:
    """Mousepad would ask to restore what was typed when its session had been cut short under the same settings."""
    titles = []
    for _ in range(2):
        with virtual_desktop(), launch("mousepad") as application:
            titles.append(application.title)
            subprocess.run(["xdotool", "type", "unsaved"], check=True)
            os.kill(application.process.pid, signal.SIGKILL)
    assert titles == ["Untitled 1 - Mousepad"] * 2


def test_launch_works_without_a_window_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reticle_agent.session.which", lambda name: None if name == "openbox" else which(name))
    with virtual_desktop() as desktop:
        assert not desktop.managed
        with launch("galculator") as application:
            assert application.title == "galculator"


def test_children_of_the_child_end_with_it() -> None:
    script = f"import subprocess; p = subprocess.Popen({SLEEPER!r}); print(p.pid, flush=True); p.wait()"
    parent = Supervised([sys.executable, "-c", script], os.environ)
    while not parent.output():
        time.sleep(0.01)
    child = int(parent.output())
    os.kill(parent.pid, signal.SIGKILL)
    parent.end()
    assert gone_within(child, 1)


def test_a_stubborn_child_is_killed() -> None:
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(1000)"
    child = Supervised([sys.executable, "-c", script], os.environ)
    while not child.output():
        time.sleep(0.01)
    child.end(grace_s=0.2)
    assert not alive(child.pid)


def test_nothing_is_left_when_we_are_killed() -> None:
    script = (
        "import os, time\nfrom reticle_agent.processes import Supervised\n"
        "from reticle_agent.session import virtual_desktop\n"
        f"with virtual_desktop() as d:\n    s = Supervised({SLEEPER!r}, os.environ)\n"
        "    print(d.display, s.pid, flush=True)\n    time.sleep(1000)\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert ours.stdout is not None
    display, pid = ours.stdout.readline().split()
    ours.kill()
    ours.communicate()
    assert gone_within(int(pid), 5)
    lock = Path(f"/tmp/.X{display[1:]}-lock")
    deadline = time.monotonic() + 5
    while lock.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lock.exists()
