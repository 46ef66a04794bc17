"""Files of others read as traces, and what comes back when these are exported again."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent_fakes.recorded import BIN, FIELD, FILE, MENU, SIZE, TASK, picture, recorded, unvouched
from PIL import Image

from reticle_agent.actions import Click, Drag, Finish, Hotkey, Scroll, TypeText, Wait
from reticle_agent.trace import TraceReader, verify
from reticle_agent.trace.export import FORMATS, IMPORTS, ImportOptions, export_trace, import_trace
from reticle_agent.trace.export.action import action_of
from reticle_agent.trace.export.calls import read_calls, steps_of
from reticle_agent.trace.export.record import StepRecord, read_run
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect

FILES = {
    "screenspot": "out/screenspot.json",
    "gui-actor": "out/gui_actor.json",
    "osworld": "out/traj.jsonl",
    "agentnet": "out/agentnet.jsonl",
    "ui-tars": "out.json",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("trace") / "run")


@pytest.fixture(scope="module")
def files(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The run in every format that can be read, written once."""
    return {of: written(run, of, tmp_path_factory.mktemp(of)) for of in IMPORTS}


def written(run: Path, to: str, folder: Path) -> Path:
    export_trace(run, to, folder / ("out" if FORMATS[to].folder else "out.json"))
    return folder / FILES[to]


def taken(file: Path, of: str, out: Path, **options: Any) -> tuple[StepRecord, ...]:
    """The steps of the imported trace, which must be sound."""
    count = import_trace(file, of, out, ImportOptions(**options), "0.1.0")
    assert verify(out) == []
    steps = read_run(out).steps
    assert len(steps) == count
    return steps


def regions(steps: tuple[StepRecord, ...]) -> list[Rect | None]:
    return [target.region for step in steps for target in step.labels]


def close(found: Rect | None, wanted: Rect, by: float) -> bool:
    return found is not None and all(abs(a - b) <= by for a, b in zip(found.as_tuple(), wanted.as_tuple(), strict=True))


# --- round trips ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("of", "by"), [("screenspot", 1e-3), ("gui-actor", 2e-3)])
def test_labels_come_back_with_words_boxes_and_pictures(
    files: dict[str, Path], tmp_path: Path, of: str, by: float
) -> None:
    steps = taken(files[of], of, tmp_path / "back")
    labels = [target for step in steps for target in step.labels]
    assert [target.words for target in labels] == [
        "the Search menu", "the name field", "the file", "the bin", "the list",
    ]  # fmt: skip
    for target, region in zip(labels, (MENU, FIELD, FILE, BIN, FIELD), strict=True):
        assert close(target.region, region, by)
        assert (target.by, target.size) == ("user", SIZE)
        assert region.contains(target.point)
    trace = TraceReader.open(tmp_path / "back")
    with Image.open(io.BytesIO(trace.read(labels[0].frame) or b"")) as image:
        assert image.convert("RGB").tobytes() == picture(0).tobytes()
    assert trace.manifest["source"] == "human"


@pytest.mark.parametrize("of", ["screenspot", "gui-actor"])
def test_labels_exported_again_are_the_same_file(files: dict[str, Path], tmp_path: Path, of: str) -> None:
    first = files[of]
    taken(first, of, tmp_path / "back")
    (tmp_path / "again").mkdir()
    second = written(tmp_path / "back", of, tmp_path / "again")
    assert rounded(json.loads(second.read_text())) == rounded(json.loads(first.read_text()))


def rounded(value: Any) -> Any:
    """Without what only a recording knows: whether text was read, and where in the element the click went."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items() if k not in ("ui_type",)}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def test_agentnet_steps_come_back_as_actions_with_places(files: dict[str, Path], tmp_path: Path) -> None:
    steps = taken(files["agentnet"], "agentnet", tmp_path / "back")
    kinds = [type(step.action) for step in steps]
    assert kinds == [Click, Click, TypeText, TypeText, Drag, Hotkey, Scroll, Wait, Finish]
    assert steps[2].action == TypeText('it\'s "fine"\nor not')
    assert steps[5].action == Hotkey(("ctrl", "s"))
    assert isinstance(steps[6].action, Scroll)
    assert (steps[6].action.direction, steps[6].action.amount) == ("down", 3)
    near(steps[0], MENU.center)
    near(steps[4], FILE.center, BIN.center)
    assert steps[0].thought == "The menu is at the top."
    assert [target.by for target in steps[0].labels] == ["user"]
    trace = TraceReader.open(tmp_path / "back")
    assert (trace.task, trace.status, trace.manifest["source"]) == (TASK, "done", "human")


def near(step: StepRecord, *wanted: Point) -> None:
    """Four digits of 0..1 are a tenth of a pixel here."""
    assert [(t.point.x, t.point.y) for t in step.acted] == [
        (pytest.approx(p.x, abs=0.1), pytest.approx(p.y, abs=0.1)) for p in wanted
    ]


def test_agentnet_standard_keeps_the_elements(files: dict[str, Path], tmp_path: Path) -> None:
    folder = files["agentnet"].parent
    steps = taken(folder / "standard.json", "agentnet", tmp_path / "back", images=folder)
    found = regions(steps)
    for region, wanted in zip(found, (MENU, FIELD, FILE, BIN, FIELD), strict=True):
        assert close(region, wanted, 2e-3)
    assert steps[0].acted[0].words == "the Search menu"
    assert TraceReader.open(tmp_path / "back").task == TASK


def test_agentnet_exported_again_has_the_same_code(files: dict[str, Path], tmp_path: Path) -> None:
    first = files["agentnet"]
    steps = taken(first, "agentnet", tmp_path / "back")
    assert steps[3].action == TypeText("\u2022\u2022\u2022"), "the secret stays out, its mask is all there is"
    (tmp_path / "again").mkdir()
    second = written(tmp_path / "back", "agentnet", tmp_path / "again")
    assert clicks(second) == clicks(first)


def clicks(file: Path) -> list[str]:
    """Code of the steps with places; keys alone are nobody's label once their effect is not known."""
    codes = [step["value"]["code"] for step in json.loads(file.read_text())["traj"]]
    lines = [line for code in codes for line in code.splitlines()]
    return [line for line in lines if ".write(" not in line and ".hotkey(" not in line]


def test_ui_tars_session_comes_back_but_is_nobody_s_label(files: dict[str, Path], tmp_path: Path) -> None:
    steps = taken(files["ui-tars"], "ui-tars", tmp_path / "back")
    assert [type(step.action) for step in steps] == [
        Click, Click, TypeText, TypeText, Click, Drag, Hotkey, Scroll, Wait, Finish,
    ]  # fmt: skip
    assert (steps[4].action.count, steps[6].action) == (2, Hotkey(("ctrl", "s")))  # type: ignore[union-attr]
    near(steps[0], MENU.center)
    assert close(steps[0].acted[0].region, MENU, 2e-3)
    near(steps[5], FILE.center, BIN.center)
    assert not any(step.labels for step in steps)
    trace = TraceReader.open(tmp_path / "back")
    assert (trace.task, trace.status, trace.manifest["source"]) == (TASK, "done", "agent")
    assert trace.manifest["displays"][0]["scale"] == 1.5  # type: ignore[index, call-overload]
    point = trace.steps()[0].of("act")[0].object("point")
    assert point["physical"] == [360, 45]
    assert point["logical"] == [240, 30]
    with pytest.raises(BadInput, match="chosen by a person or confirmed"):
        export_trace(tmp_path / "back", "agentnet", tmp_path / "no")


def test_osworld_steps_come_back_with_the_picture_before_them(files: dict[str, Path], tmp_path: Path) -> None:
    steps = taken(files["osworld"], "osworld", tmp_path / "back")
    assert [type(step.action) for step in steps] == [
        Click, Click, TypeText, TypeText, Click, Drag, Hotkey, Scroll, Wait, Finish,
    ]  # fmt: skip
    assert steps[0].acted[0].pixel == (360, 45)
    trace = TraceReader.open(tmp_path / "back")
    assert trace.task == TASK
    for step, seed in ((steps[0], 0), (steps[1], 1), (steps[4], 3)):
        with Image.open(io.BytesIO(trace.read(step.frame) or b"")) as image:
            assert image.convert("RGB").tobytes() == picture(seed).tobytes()
    assert not any(step.labels for step in steps)


@pytest.mark.parametrize("of", ["gui-actor", "ui-tars"])
def test_an_imported_trace_can_be_shown_and_filmed(files: dict[str, Path], tmp_path: Path, of: str) -> None:
    from reticle_agent.trace import show, write_report
    from reticle_agent.trace.export.drawing import scenes

    taken(files[of], of, tmp_path / "back")
    assert "step" in show(tmp_path / "back")
    assert write_report(tmp_path / "back", tmp_path / "page.html").stat().st_size > 1000
    assert next(iter(scenes(read_run(tmp_path / "back"), 300))).image.width == 300


# --- files of others ------------------------------------------------------------------------------------------------


def spot(folder: Path, rows: list[dict[str, Any]], size: tuple[int, int] = (200, 100)) -> Path:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "white").save(folder / "images/a.png")
    file = folder / "labels.json"
    file.write_text(json.dumps([{"img_filename": "a.png", "instruction": "it"} | row for row in rows]))
    return file


@pytest.mark.parametrize(
    ("more", "box", "wanted"),
    [
        ({}, [0.25, 0.5, 0.5, 0.75], Rect(50, 50, 100, 75)),
        ({"data_type": "icon", "data_source": "web"}, [50, 40, 20, 30], Rect(50, 40, 70, 70)),
        ({"ui_type": "icon", "img_size": [200, 100]}, [50, 40, 70, 70], Rect(50, 40, 70, 70)),
        ({}, [150, 40, 190, 70], Rect(150, 40, 190, 70)),
        ({}, [50, 40, 20, 30], Rect(50, 40, 70, 70)),
    ],
    ids=["normalised", "first release", "pro", "only as corners", "only as sizes"],
)
def test_the_meaning_of_a_box_is_found_out(
    tmp_path: Path, more: dict[str, Any], box: list[float], wanted: Rect
) -> None:
    (step,) = taken(spot(tmp_path, [{"bbox": box} | more]), "screenspot", tmp_path / "back")
    assert close(step.labels[0].region, wanted, 1e-6)


def test_a_box_that_may_mean_two_things_is_not_guessed(tmp_path: Path) -> None:
    file = spot(tmp_path, [{"bbox": [10, 20, 30, 40]}])
    with pytest.raises(BadInput, match="say which with --boxes"):
        import_trace(file, "screenspot", tmp_path / "back", ImportOptions())
    assert not (tmp_path / "back").exists()
    (step,) = taken(file, "screenspot", tmp_path / "xywh", boxes="xywh")
    assert close(step.labels[0].region, Rect(10, 20, 40, 60), 1e-6)


def test_a_release_that_contradicts_its_boxes_is_not_believed(tmp_path: Path) -> None:
    rows = [{"bbox": [150, 40, 190, 70], "data_type": "icon", "data_source": "web"}]
    (step,) = taken(spot(tmp_path, rows), "screenspot", tmp_path / "back")
    assert close(step.labels[0].region, Rect(150, 40, 190, 70), 1e-6)


def agentnet(folder: Path, *steps: dict[str, Any], **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (200, 100), "white").save(folder / "0.png")
    traj = [{"index": n, "image": "0.png", "value": value} for n, value in enumerate(steps)]
    file = folder / "one.jsonl"
    file.write_text(json.dumps({"task_id": "t", "instruction": "do it", "traj": traj} | more) + "\n")
    return file


def test_a_step_marked_wrong_is_no_label(tmp_path: Path) -> None:
    good, bad = {"code": "pyautogui.click(x=0.5, y=0.5)", "action": "Click it."}, {"last_step_correct": False}
    steps = taken(agentnet(tmp_path / "a", good, good | bad), "agentnet", tmp_path / "back")
    assert [bool(step.labels) for step in steps] == [True, False]
    assert [len(step.acted) for step in steps] == [1, 1]
    assert steps[0].labels[0].words == "Click it."
    assert steps[0].labels[0].region is None


def test_one_run_of_several_is_named(tmp_path: Path) -> None:
    file = agentnet(tmp_path / "a", {"code": "pyautogui.press(keys=['enter'])"})
    file.write_text(file.read_text() * 3)
    with pytest.raises(BadInput, match="holds 3 runs; name one with --record 1 to --record 3"):
        import_trace(file, "agentnet", tmp_path / "back", ImportOptions())
    with pytest.raises(BadInput, match="there is no --record 4"):
        import_trace(file, "agentnet", tmp_path / "back", ImportOptions(record=4))
    assert [step.action for step in taken(file, "agentnet", tmp_path / "back", record=2)] == [Hotkey(("enter",))]


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("pyautogui.click(0.1, 0.2)", [Click("it")]),
        ("pyautogui.click(x=0.1, y=0.2, clicks=2, button='right')", [Click("it", "right", 2)]),
        ("pyautogui.moveTo(x=0.1, y=0.2)\npyautogui.click()", [Click("it")]),
        ("computer.tripleClick(x=0.1, y=0.2)", [Click("it", count=3)]),
        ("pyautogui.hotkey('ctrl', 'shift', 't')", [Hotkey(("ctrl", "shift", "t"))]),
        ("pyautogui.hotkey(['win', 'd'])", [Hotkey(("super", "d"))]),
        ("pyautogui.press('esc')", [Hotkey(("escape",))]),
        ("pyautogui.press(keys=['tab', 'enter'])", [Hotkey(("tab",)), Hotkey(("enter",))]),
        ("pyautogui.write(message='a')\npyautogui.press('enter')", [TypeText("a"), Hotkey(("enter",))]),
        ("pyautogui.scroll(-54)", [Scroll("down", 54)]),
        ("pyautogui.hscroll(2)", [Scroll("right", 2)]),
        ("computer.terminate(status='failure')", [Finish(False)]),
        ("computer.wait()", [Wait(1.0)]),
    ],
)
def test_calls_are_read_as_steps(code: str, wanted: list[Any]) -> None:
    assert [placed.action for placed in steps_of(read_calls(code), "it")] == wanted


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os').system('touch /tmp/never')",
        "pyautogui.write(message=open('/etc/passwd').read())",
        "import os",
        "pyautogui.click(x=1+1, y=f'{2}')",
        "[pyautogui.click(x=0.1, y=0.1) for _ in range(9)]",
        "pyautogui.click(" + "(" * 5000,
        "pyautogui.write(message='" + "a" * 200_000 + "')",
        "x = 1",
    ],
)
def test_code_is_read_as_literals_and_never_run(code: str) -> None:
    with pytest.raises(BadInput, match=r"plain calls|characters"):
        read_calls(code)


def session(**turn: Any) -> dict[str, Any]:
    data = io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(data, "PNG")
    shot = base64.b64encode(data.getvalue()).decode()
    said = {"from": "gpt", "value": "", "predictionParsed": [{"action_type": "click", "action_inputs": turn}]}
    shown = {"from": "human", "value": "<image>", "screenshotBase64": "data:image/png;base64," + shot}
    return {"version": "v1", "instruction": "do it", "status": "max_loop", "conversations": [shown, said]}


@pytest.mark.parametrize(
    ("turn", "point", "region"),
    [
        ({"start_box": "[0.5, 0.5]"}, Point(100, 50), None),
        ({"start_box": "[0.1, 0.2, 0.3, 0.4]"}, Point(40, 30), Rect(20, 20, 60, 40)),
        ({"start_box": "[0.1, 0.2, 0.3, 0.4]", "start_coords": [30, 25]}, Point(30, 25), Rect(20, 20, 60, 40)),
        ({"start_box": "[0.1, 0.2, 0.3, 0.4]", "start_coords": [80, 60]}, Point(40, 30), Rect(20, 20, 60, 40)),
    ],
    ids=["a point", "a box", "a point in a box", "a point scaled twice"],
)
def test_ui_tars_places_are_read(tmp_path: Path, turn: dict[str, Any], point: Point, region: Rect | None) -> None:
    (tmp_path / "s.json").write_text(json.dumps(session(**turn)))
    (step,) = taken(tmp_path / "s.json", "ui-tars", tmp_path / "back")
    assert (step.acted[0].point.x, step.acted[0].point.y) == (pytest.approx(point.x), pytest.approx(point.y))
    found = step.acted[0].region
    assert found is None if region is None else close(found, region, 1e-6)
    assert TraceReader.open(tmp_path / "back").status == "limit"


# --- what cannot be read --------------------------------------------------------------------------------------------

BAD: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "no file": ("screenspot", lambda folder: folder / "nowhere.json", "there is no file"),
    "a folder": ("agentnet", lambda folder: folder, "is a folder; give the file in it"),
    "no JSON": ("ui-tars", lambda folder: wrote(folder, "{"), "is not JSON"),
    "nested": ("ui-tars", lambda folder: wrote(folder, "[" * 200_000), "nested too deeply"),
    "bytes": ("gui-actor", lambda folder: wrote(folder, b"\xff\xfe\x00"), "is no text file"),
    "no list": ("screenspot", lambda folder: wrote(folder, "[1, 2]"), "is not a list of records"),
    "no trajectory": ("agentnet", lambda folder: wrote(folder, '{"a": 1}'), "neither 'traj' nor 'content'"),
    "other version": ("ui-tars", lambda folder: wrote(folder, '{"version": "v9"}'), "no UI-TARS session of version v1"),
    "no steps": ("ui-tars", lambda folder: wrote(folder, '{"conversations": []}'), "holds no step"),
    "no picture": (
        "screenspot",
        lambda folder: spot(folder, [{"img_filename": "b.png", "bbox": [0, 0, 1, 1]}]),
        "b.png",
    ),
    "outside": ("screenspot", lambda folder: spot(folder, [{"img_filename": "../../x.png"}]), "outside its folder"),
    "absolute": ("screenspot", lambda folder: spot(folder, [{"img_filename": "/etc/x.png"}]), "outside its folder"),
    "no words": (
        "screenspot",
        lambda folder: spot(folder, [{"instruction": " ", "bbox": [0, 0, 1, 1]}]),
        "instruction",
    ),
    "three sides": (
        "screenspot",
        lambda folder: spot(folder, [{"bbox": [0, 0, 1]}]),
        "record 1: bbox is not a list of 4",
    ),
    "box beyond": (
        "screenspot",
        lambda folder: spot(folder, [{"bbox": [500, 10, 600, 20]}]),
        "fit their pictures neither",
    ),
    "empty box": (
        "screenspot",
        lambda folder: spot(folder, [{"bbox": [0.5, 0.5, 0.5, 0.6]}]),
        "does not fit its picture",
    ),
    "pixels": ("agentnet", lambda folder: agentnet(folder / "a", {"code": "pyautogui.click(x=5, y=9)"}), "not in 0..1"),
    "code": ("agentnet", lambda folder: agentnet(folder / "a", {"code": "os.remove(x)"}), "step 1: .*plain calls"),
    "unknown call": ("agentnet", lambda folder: agentnet(folder / "a", {"code": "os.remove('x')"}), "os.remove has no"),
    "no value": ("agentnet", lambda folder: agentnet(folder / "a", {}), "it has no 'value' with 'code'"),
    "bad box": ("ui-tars", lambda folder: wrote(folder, json.dumps(session(start_box="[5, 5]"))), "no box in 0..1"),
    "bad list": ("ui-tars", lambda folder: wrote(folder, json.dumps(session(start_box="x"))), "no list of numbers"),
    "no place": ("ui-tars", lambda folder: wrote(folder, json.dumps(session())), "does not say where"),
    "bad base64": (
        "ui-tars",
        lambda folder: wrote(folder, json.dumps({"conversations": [{"screenshotBase64": "\u00e4"}]})),
        "turn 1: its picture is not base64",
    ),
    "no image data": (
        "ui-tars",
        lambda folder: wrote(folder, json.dumps({"conversations": [{"screenshotBase64": "aGVsbG8="}]})),
        "turn 1: its picture is not a picture",
    ),
    "no conversations": ("gui-actor", lambda folder: wrote(folder, '[{"image": "a.png"}]'), "record 1: it needs one"),
}


def wrote(folder: Path, text: str | bytes) -> Path:
    file = folder / "file.json"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_named_and_nothing_is_left_behind(tmp_path: Path, name: str) -> None:
    of, make, said = BAD[name]
    file = make(tmp_path)
    with pytest.raises(BadInput, match=said):
        import_trace(file, of, tmp_path / "back", ImportOptions())
    assert not (tmp_path / "back").exists()
    assert not list(tmp_path.glob(".*.part*"))


def test_formats_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"there is no format 'gif' here; use one of screenspot, gui-actor, osworld"):
        import_trace(tmp_path / "x.gif", "gif", tmp_path / "back", ImportOptions())


def test_a_trace_is_never_replaced_by_an_import(run: Path, files: dict[str, Path]) -> None:
    file = files["screenspot"]
    before = (run / "events.jsonl").read_bytes()
    with pytest.raises(BadInput, match="is not empty"):
        import_trace(file, "screenspot", run, ImportOptions())
    assert (run / "events.jsonl").read_bytes() == before


def test_every_recorded_action_is_read_back_as_the_step_it_was(run: Path) -> None:
    acts = [event for event in TraceReader.open(run) if event.type == "act"]
    assert [action_of(act) for act in acts] == [
        Click("the Search menu"),
        TypeText('it\'s "fine"\nor not', "the name field"),
        TypeText("\u2022\u2022\u2022", None, secret=True),
        Click("the wrong place", count=2),
        Drag("the file", "the bin"),
        Hotkey(("ctrl", "s")),
        Scroll("down", 3, "the list"),
        Wait(2.0),
        Finish(True, "saved"),
    ]


def test_an_unconfirmed_run_stays_unlabelled_through_osworld(tmp_path: Path) -> None:
    steps = taken(written(unvouched(tmp_path / "run"), "osworld", tmp_path), "osworld", tmp_path / "back")
    assert [len(step.acted) for step in steps] == [1]
    assert not steps[0].labels
