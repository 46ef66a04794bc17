"""`reticle trace export` and `reticle trace import`: what they print, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from agent_fakes.recorded import recorded, unvouched

from reticle_agent.trace.export import FORMATS, IMPORTS
from reticle_app.cli.main import run_command
from reticle_app.cli.trace_exchange import _FORMATS, _IMPORTS


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("trace") / "run")


def reticle(capfd: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = run_command([str(arg) for arg in args])
    out, err = capfd.readouterr()
    return code, out, err


def test_export_says_what_it_wrote_and_what_it_left_out(run: Path, tmp_path: Path, capfd) -> None:
    code, out, err = reticle(capfd, "trace", "export", run, "--to", "screenspot", "--out", tmp_path / "labels")
    assert (code, err) == (0, "")
    first, *rest = out.splitlines()
    assert first == f"screenspot: {tmp_path / 'labels'}, 5 targets"
    assert rest == ["left out: step 3: its place was neither chosen by a person nor confirmed by its effect"]
    assert (tmp_path / "labels/screenspot.json").is_file()


def test_export_as_json(run: Path, tmp_path: Path, capfd) -> None:
    out_file = tmp_path / "again.py"
    code, out, _ = reticle(capfd, "trace", "export", run, "--to", "script", "--out", out_file, "--json")
    assert code == 0
    assert json.loads(out) == {"path": str(out_file), "format": "script", "steps": 8, "left_out": []}


def test_import_and_export_make_a_round(run: Path, tmp_path: Path, capfd) -> None:
    reticle(capfd, "trace", "export", run, "--to", "ui-tars", "--out", tmp_path / "s.json")
    code, out, err = reticle(
        capfd, "trace", "import", tmp_path / "s.json", "--from", "ui-tars", "--out", tmp_path / "t", "--json"
    )
    assert (code, err) == (0, "")
    assert json.loads(out) == {"trace": str(tmp_path / "t"), "format": "ui-tars", "steps": 10}
    assert reticle(capfd, "trace", "verify", tmp_path / "t")[0] == 0
    assert reticle(capfd, "trace", "export", tmp_path / "t", "--to", "osworld", "--out", tmp_path / "o")[0] == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["export", "RUN", "--to", "docx", "--out", "OUT"], "there is no format 'docx' here; use one of gif"),
        (["export", "NOWHERE", "--to", "gif", "--out", "OUT"], "no trace in"),
        (["export", "UNVOUCHED", "--to", "adp", "--out", "OUT"], "none was chosen by a person or confirmed"),
        (["export", "RUN", "--to", "gif", "--out", "RUN"], "exists; an export never replaces anything"),
        (["export", "RUN", "--to", "adp", "--out", "RUN"], "is not empty"),
        (["import", "NOWHERE", "--from", "agentnet", "--out", "OUT"], "there is no file"),
        (
            ["import", "NOWHERE", "--from", "gif", "--out", "OUT"],
            "there is no format 'gif' here; use one of screenspot",
        ),
        (["import", "NOWHERE", "--from", "screenspot", "--boxes", "abc", "--out", "OUT"], "--boxes abc: use one of"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    run: Path, tmp_path: Path, capfd, args: list[str], said: str
) -> None:
    places = {"RUN": run, "NOWHERE": tmp_path / "nowhere", "OUT": tmp_path / "out"}
    if "UNVOUCHED" in args:
        places["UNVOUCHED"] = unvouched(tmp_path / "run")
    code, out, err = reticle(capfd, "trace", *(places.get(arg, arg) for arg in args))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert said in err
    assert not (tmp_path / "out").exists()


def test_the_help_names_every_format() -> None:
    def named(text: str) -> set[str]:
        return set(text.replace(" or ", ", ").split(", "))

    assert named(_FORMATS) == set(FORMATS)
    assert named(_IMPORTS) == set(IMPORTS)


def test_other_commands_do_not_load_the_exports() -> None:
    code = "import sys, reticle_app.cli.main as m; print('cv2' in sys.modules, 'reticle_agent.trace' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
