"""Runs written in the formats of others: fields against their tables, labels only where somebody vouches for them."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agent_fakes.desk import Desk, Person, hurry
from agent_fakes.recorded import (
    BIN,
    COLOUR,
    ELSEWHERE,
    FIELD,
    FILE,
    MENU,
    OVERLAPPING,
    SECRET,
    SIZE,
    TASK,
    Recorder,
    frame,
    picture,
    recorded,
    unvouched,
)
from PIL import Image

from reticle_agent.actions import Click, Hotkey, TypeText
from reticle_agent.loop import run_task
from reticle_agent.planner import RulePlanner, parse
from reticle_agent.safety import Policy
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceReader, TraceWriter, act_point
from reticle_agent.trace.export import FORMATS, Exported, export_trace
from reticle_agent.trace.export.calls import read_calls, steps_of
from reticle_agent.trace.export.drawing import BAR, CHOSEN, Stage, scenes
from reticle_agent.trace.export.record import read_run
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect, Size

TRAINING = ("screenspot", "gui-actor", "datasets", "agentnet", "adp")
DONE = ("osworld", "ui-tars", "cua")
QUICK = tuple(to for to in FORMATS if to not in ("gif", "mp4"))
"""Formats without films, which take seconds and come from one source of pictures, tested by themselves."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("trace") / "run")


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """The run in a folder of the test's own, to be damaged."""
    return Path(shutil.copytree(run, tmp_path / "run"))


def exported(trace: Path, to: str, out: Path) -> Exported:
    done = export_trace(trace, to, out)
    assert done.path == out
    assert not list(out.parent.glob(".*.part*")), "a draft was left behind"
    return done


def loaded(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def norm(region: Rect) -> list[float]:
    left, top, right, bottom = region.as_tuple()
    return [left / SIZE.width, top / SIZE.height, right / SIZE.width, bottom / SIZE.height]


def everything_in(path: Path) -> bytes:
    files = [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]
    return b"\n".join(str(file.name).encode() + file.read_bytes() for file in files)


# --- labels ---------------------------------------------------------------------------------------------------------

CHOSEN_WORDS = ["the Search menu", "the name field", "the file", "the bin", "the list"]
"""All targets of the run but the click that was not confirmed."""


def test_screenspot_has_the_fields_of_its_table(run: Path, tmp_path: Path) -> None:
    done = exported(run, "screenspot", tmp_path / "out")
    rows = loaded(tmp_path / "out/screenspot.json")
    assert done.count == len(rows) == len(CHOSEN_WORDS)
    assert [row["instruction"] for row in rows] == CHOSEN_WORDS
    assert [row["bbox"] for row in rows] == [
        [int(side) for side in r.as_tuple()] for r in (MENU, FIELD, FILE, BIN, FIELD)
    ]
    keys = {"img_filename", "bbox", "instruction", "img_size", "platform", "ui_type", "group"}
    assert all(row.keys() == keys for row in rows)
    assert [row["ui_type"] for row in rows] == ["text", "icon", "icon", "icon", "icon"]
    for row in rows:
        with Image.open(tmp_path / "out/images" / row["img_filename"]) as image:
            assert list(image.size) == row["img_size"] == [1200, 675]


def test_what_is_left_out_is_said(run: Path, tmp_path: Path) -> None:
    done = exported(run, "screenspot", tmp_path / "out")
    assert [line.split(":")[0] for line in done.left_out] == ["step 3"]
    assert "neither chosen by a person nor confirmed" in done.left_out[0]


def test_gui_actor_answers_with_a_click_inside_the_box(run: Path, tmp_path: Path) -> None:
    exported(run, "gui-actor", tmp_path / "out")
    rows = loaded(tmp_path / "out/gui_actor.json")
    assert len(rows) == len(CHOSEN_WORDS)
    for row, words, region in zip(rows, CHOSEN_WORDS, (MENU, FIELD, FILE, BIN, FIELD), strict=True):
        human, gpt = row["conversations"]
        assert human == {"from": "human", "value": f"<image>{words}"}
        assert (gpt["from"], gpt["recipient"], gpt["end_turn"]) == ("gpt", "os", True)
        assert gpt["bbox_gt"] == pytest.approx(norm(region), abs=1e-6)
        found = re.fullmatch(r"pyautogui\.click\(x=([0-9.]+), y=([0-9.]+)\)", gpt["value"])
        assert found, gpt["value"]
        assert region.contains(Point(float(found[1]) * SIZE.width, float(found[2]) * SIZE.height))
        assert (tmp_path / "out/images" / row["image"]).is_file()


def test_only_candidates_outside_the_chosen_element_are_negatives(run: Path, tmp_path: Path) -> None:
    exported(run, "gui-actor", tmp_path / "out")
    pairs = loaded(tmp_path / "out/verifier.json")
    said = [(pair["conversations"][1]["value"], tuple(pair["point"])) for pair in pairs]
    menu = [(answer, Point(*point)) for answer, point in said[:2]]
    assert menu == [("True", MENU.center), ("False", ELSEWHERE.center)]
    assert [answer for answer, _ in said[2:]] == ["True"] * 4, "OVERLAPPING touches the chosen menu: it proves nothing"
    assert not any(Point(*point) == OVERLAPPING.center for _, point in said)
    with Image.open(tmp_path / "out/verifier_images" / pairs[1]["image"]) as image:
        at = (round(ELSEWHERE.center.x), round(ELSEWHERE.center.y))
        assert image.convert("RGB").getpixel((at[0] + 6, at[1])) == (255, 0, 0)
        assert image.convert("RGB").getpixel(at) == (225, 228, 232), "the circle is hollow"


def test_datasets_rows_name_one_picture_each(run: Path, tmp_path: Path) -> None:
    exported(run, "datasets", tmp_path / "out")
    rows = lines(tmp_path / "out/train/metadata.jsonl")
    assert [row["instruction"] for row in rows] == CHOSEN_WORDS
    assert len({row["file_name"] for row in rows}) == len(rows)
    assert {path.name for path in (tmp_path / "out/train").iterdir()} == {row["file_name"] for row in rows} | {
        "metadata.jsonl"
    }
    first = rows[0]
    assert first["bbox"] == list(MENU.as_tuple())
    assert first["point"] == [MENU.center.x, MENU.center.y]
    assert first["negative_points"] == [[ELSEWHERE.center.x, ELSEWHERE.center.y]]
    assert [row["label_by"] for row in rows] == ["user", "check", "check", "check", "check"]
    assert (first["width"], first["height"], first["step"]) == (1200, 675, 0)


def test_datasets_folder_is_loaded_by_datasets(run: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    exported(run, "datasets", tmp_path / "out")
    rows = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))[
        "train"
    ]
    assert rows.num_rows == len(CHOSEN_WORDS)
    assert rows[0]["image"].size == (1200, 675)
    assert rows[0]["instruction"] == "the Search menu"


def choice(folder: Path, *events: tuple[str, dict[str, Any]]) -> Path:
    """A run of one look with events after it, and no input."""
    with TraceWriter.create(folder, task="x") as trace:
        step = Recorder(trace)
        step.look("the menu", [OVERLAPPING, MENU, ELSEWHERE], 1, "user")
        for kind, fields in events:
            trace.event(kind, step=0, **fields)
        trace.finish("failed")
    return folder


def test_a_choice_is_a_label_even_if_nothing_was_sent(tmp_path: Path) -> None:
    exported(choice(tmp_path / "run"), "screenspot", tmp_path / "out")
    assert loaded(tmp_path / "out/screenspot.json")[0]["bbox"] == [300, 30, 420, 60]


def test_a_choice_taken_back_is_no_label(tmp_path: Path) -> None:
    folder = choice(tmp_path / "run", ("gate", {"decision": "deny", "source": "user"}))
    with pytest.raises(BadInput, match=r"nothing in .* it has 1 step, and none has a place"):
        export_trace(folder, "screenspot", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("delivered", ["dry_run", "refused", "error"])
def test_an_effect_confirms_nothing_that_was_not_sent(tmp_path: Path, delivered: str) -> None:
    with TraceWriter.create(tmp_path / "run", task="x") as trace:
        step = Recorder(trace)
        point = step.look("the menu", [MENU], 0, "verifier")
        step.act(Click("the menu"), "confirmed", delivered, point=point)
        trace.finish("done")
    with pytest.raises(BadInput, match="chosen by a person or confirmed"):
        export_trace(tmp_path / "run", "screenspot", tmp_path / "out")


def test_the_point_is_where_the_input_went(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "run", task="x") as trace:
        step = Recorder(trace)
        step.look("the menu", [MENU], 0, "user")
        step.act(Click("the menu"), "confirmed", point=act_point(frame(0), None, Point(310.5, 31.5)))
        trace.finish("done")
    exported(tmp_path / "run", "datasets", tmp_path / "out")
    assert lines(tmp_path / "out/train/metadata.jsonl")[0]["point"] == [310.5, 31.5]


def test_a_nudged_point_has_no_box_and_no_negatives(tmp_path: Path) -> None:
    nudge = {"point_norm": [0.5, 0.5], "by": "nudge", "rejected_ids": ["c1", "c2", "c3"]}
    folder = choice(tmp_path / "run", ("choose", nudge))
    exported(folder, "datasets", tmp_path / "out")
    row = lines(tmp_path / "out/train/metadata.jsonl")[0]
    assert (row["bbox"], row["point"], row["negative_points"]) == (None, [600.0, 337.5], [])
    assert row["label_by"] == "nudge"
    with pytest.raises(BadInput, match="the places have no regions"):
        export_trace(folder, "gui-actor", tmp_path / "no")


# --- trajectories ---------------------------------------------------------------------------------------------------


def test_agentnet_keeps_steps_somebody_vouches_for(run: Path, tmp_path: Path) -> None:
    done = exported(run, "agentnet", tmp_path / "out")
    (record,) = lines(tmp_path / "out/agentnet.jsonl")
    assert record["task_id"] == TraceReader.open(run).manifest["id"]
    assert (record["instruction"], record["task_completed"]) == (TASK, True)
    assert [step["index"] for step in record["traj"]] == list(range(done.count))
    assert [step["value"]["code"] for step in record["traj"]] == [
        "pyautogui.click(x=0.3, y=0.0667)",
        "pyautogui.click(x=0.3333, y=0.3259)\npyautogui.write(message='it\\'s \"fine\"\\nor not')",
        "pyautogui.write(message='\u2022\u2022\u2022')",
        "pyautogui.moveTo(x=0.1083, y=0.637)\npyautogui.dragTo(x=0.8583, y=0.9333, button='left')",
        "pyautogui.hotkey(keys=['ctrl', 's'])",
        "pyautogui.moveTo(x=0.3333, y=0.3259)\npyautogui.scroll(-3)",
        "computer.wait()",
        "computer.terminate(status='success')",
    ]
    assert [step["value"]["last_step_correct"] for step in record["traj"]] == [True] * 6 + [None, None]
    assert record["traj"][0]["value"]["thought"] == "The menu is at the top."
    assert (tmp_path / "out/images" / record["traj"][0]["image"]).read_bytes() == frame_before(run, 0)


def frame_before(run: Path, step: int) -> bytes:
    trace = TraceReader.open(run)
    return trace.read(trace.steps()[step].of("observe")[-1].text("frame")) or b""


def test_agentnet_standard_names_the_element_under_each_place(run: Path, tmp_path: Path) -> None:
    exported(run, "agentnet", tmp_path / "out")
    trajectory = loaded(tmp_path / "out/standard.json")
    assert trajectory["type"] == "end2end"
    actions = [item for item in trajectory["content"] if "guiactions" in item]
    first = actions[0]["guiactions"][0]
    assert first["action_type"] == "click"
    assert first["target"]["pixel_bbox"] == [300, 30, 420, 60]
    assert first["target"]["bbox"] == pytest.approx(norm(MENU), abs=1e-6)
    assert (first["target"]["image_size"], first["target"]["text"]) == ([1200, 675], "Search")
    assert actions[0]["instruction"] == "the Search menu"
    drag = actions[3]["guiactions"]
    assert [part["target"]["pixel_bbox"] for part in drag] == [[100, 400, 160, 460], [1000, 600, 1060, 660]]
    for item in actions:
        for part in item["guiactions"]:
            assert all(0 <= part["args"][axis] <= 1 for axis in ("x", "y") if axis in part["args"])


def test_adp_links_every_action_to_what_was_seen_after_it(run: Path, tmp_path: Path) -> None:
    exported(run, "adp", tmp_path / "out")
    (trajectory,) = lines(tmp_path / "out/trajectory.jsonl")
    assert trajectory.keys() == {"schema_version", "id", "content", "details"}
    content = trajectory["content"]
    assert content[0] == {"class_": "text_observation", "content": TASK, "source": "user"}
    allowed = {
        "api_action": {"class_", "function", "kwargs", "description", "reasoning_content", "tool_call_id"},
        "image_observation": {"class_", "content", "annotations", "source", "tool_call_id"},
        "text_observation": {"class_", "content", "source"},
    }
    open_ids: set[str] = set()
    for item, following in zip(content, [*content[1:], None], strict=True):
        assert item.keys() <= allowed[item["class_"]]
        if item["class_"] == "api_action":
            seen_next = following is not None and following["class_"] != "api_action"
            assert ("tool_call_id" in item) == seen_next
            open_ids |= {item["tool_call_id"]} if seen_next else set()
        elif "tool_call_id" in item:
            open_ids.remove(item["tool_call_id"])
        if item["class_"] == "image_observation":
            assert (tmp_path / "out" / item["content"]).is_file()
            assert item["source"] in ("user", "agent", "environment")
    assert not open_ids
    note = content[1]["annotations"][0]
    assert note["bounding_box"] == {"x": 300, "y": 30, "width": 120, "height": 30}
    assert (note["text"], note["content_description"]) == ("Search", "the Search menu")
    assert [item["function"] for item in content if item["class_"] == "api_action"] == [
        "click", "click", "write", "write", "moveTo", "dragTo", "hotkey", "moveTo", "scroll", "wait", "terminate",
    ]  # fmt: skip


def test_osworld_has_a_picture_after_every_step(run: Path, tmp_path: Path) -> None:
    done = exported(run, "osworld", tmp_path / "out")
    out, rows = tmp_path / "out", lines(tmp_path / "out/traj.jsonl")
    keys = {"step_num", "action_timestamp", "action", "response", "reward", "done", "info", "screenshot_file"}
    assert all(row.keys() == keys for row in rows)
    assert [row["step_num"] for row in rows] == list(range(1, done.count + 1))
    assert [row["action"] for row in rows] == [
        "pyautogui.click(x=360, y=45)",
        "pyautogui.click(x=400, y=220)\npyautogui.write(message='it\\'s \"fine\"\\nor not')",
        "pyautogui.write(message='\u2022\u2022\u2022')",
        "pyautogui.doubleClick(x=930, y=315)",
        "pyautogui.moveTo(x=130, y=430)\npyautogui.dragTo(x=1030, y=630, button='left')",
        "pyautogui.hotkey('ctrl', 's')",
        "pyautogui.moveTo(x=400, y=220)\npyautogui.scroll(-3)",
        "WAIT",
        "DONE",
    ]
    assert [row["done"] for row in rows] == [False] * 8 + [True]
    assert (out / "instruction.txt").read_text() == TASK + "\n"
    assert (out / "step_0.png").read_bytes() == frame_before(run, 0)
    assert all(re.fullmatch(r"\d{8}@\d{6}", row["action_timestamp"]) for row in rows)
    for row in rows:
        assert row["screenshot_file"] == f"step_{row['step_num']}_{row['action_timestamp']}.png"
    after = Image.open(out / rows[0]["screenshot_file"]).convert("RGB")
    assert after.tobytes() == picture(1).tobytes()
    assert not (out / "result.txt").exists(), "no score was recorded"


def test_osworld_writes_the_score_where_there_is_one(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "run", task="x") as trace:
        step = Recorder(trace)
        step.act(Hotkey(("escape",)), "confirmed")
        trace.finish("done", score=0.75)
    exported(tmp_path / "run", "osworld", tmp_path / "out")
    assert float((tmp_path / "out/result.txt").read_text()) == 0.75


def test_ui_tars_session_has_the_fields_of_its_table(run: Path, tmp_path: Path) -> None:
    exported(run, "ui-tars", tmp_path / "session.json")
    session = loaded(tmp_path / "session.json")
    assert {
        "version",
        "instruction",
        "systemPrompt",
        "modelName",
        "logTime",
        "status",
        "conversations",
    } <= session.keys()
    assert (session["version"], session["instruction"], session["status"]) == ("v1", TASK, "end")
    assert session["modelName"] == "small"
    turns = session["conversations"]
    assert (turns[0]["from"], turns[0]["value"]) == ("human", TASK)
    shot, said = turns[1], turns[2]
    assert (shot["from"], shot["value"]) == ("human", "<image>")
    assert base64.b64decode(shot["screenshotBase64"]) == frame_before(run, 0)
    context = {"size": {"width": 1200, "height": 675}, "mime": "image/png", "scaleFactor": 1.5}
    assert shot["screenshotContext"] == context
    assert said["from"] == "gpt"
    assert said["value"] == "Thought: The menu is at the top.\nAction: click(start_box='[250, 44, 350, 89]')"
    (parsed,) = said["predictionParsed"]
    assert (parsed["action_type"], parsed["thought"]) == ("click", "The menu is at the top.")
    assert json.loads(parsed["action_inputs"]["start_box"]) == pytest.approx(norm(MENU), abs=1e-6)
    assert parsed["action_inputs"]["start_coords"] == [MENU.center.x, MENU.center.y]
    kinds = [one["action_type"] for turn in turns for one in turn.get("predictionParsed", [])]
    assert kinds == ["click", "click", "type", "type", "left_double", "drag", "hotkey", "scroll", "wait", "finished"]
    for turn in turns:
        assert turn["timing"]["cost"] == turn["timing"]["end"] - turn["timing"]["start"] >= 0


def test_cua_folder_has_a_turn_per_step(run: Path, tmp_path: Path) -> None:
    done = exported(run, "cua", tmp_path / "out")
    meta = loaded(tmp_path / "out/metadata.json")
    assert {
        "trajectory_id",
        "created_at",
        "status",
        "kwargs",
        "completed_at",
        "total_usage",
        "new_items",
        "total_turns",
    } == meta.keys()
    assert (meta["status"], meta["total_turns"]) == ("completed", done.count)
    turns = sorted(path.name for path in (tmp_path / "out").glob("turn_*"))
    assert turns == [f"turn_{number:03d}" for number in range(done.count)]
    names = [path.name for turn in turns for path in sorted((tmp_path / "out" / turn).iterdir())]
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(len(names))]
    assert names[:4] == [
        "0000_agent_response.json",
        "0001_screenshot_before.png",
        "0002_screenshot_after.png",
        "0003_computer_call_result.json",
    ]
    calls = [item for item in meta["new_items"] if item["type"] == "computer_call"]
    outputs = [item["call_id"] for item in meta["new_items"] if item["type"] == "computer_call_output"]
    assert [call["call_id"] for call in calls] == outputs
    assert len(set(outputs)) == len(outputs)
    assert [call["action"] for call in calls] == [
        {"type": "click", "button": "left", "x": 360, "y": 45},
        {"type": "click", "button": "left", "x": 400, "y": 220},
        {"type": "type", "text": 'it\'s "fine"\nor not'},
        {"type": "type", "text": "\u2022\u2022\u2022"},
        {"type": "double_click", "x": 930, "y": 315},
        {"type": "drag", "path": [{"x": 130, "y": 430}, {"x": 1030, "y": 630}]},
        {"type": "keypress", "keys": ["ctrl", "s"]},
        {"type": "scroll", "x": 400, "y": 220, "scroll_x": 0, "scroll_y": 300},
        {"type": "wait", "ms": 2000},
    ]


# --- films ----------------------------------------------------------------------------------------------------------


def test_region_and_pointer_are_drawn_where_the_transform_puts_them(run: Path) -> None:
    film = list(scenes(read_run(run), 600))
    place = Stage.of(SIZE, 600).placed(SIZE)
    first = film[0].image
    assert first.size == (600, 338 + BAR)
    region, tip = place.rect(MENU), place.point(MENU.center)
    middle = (round(region.left) - 3, round(region.center.y))
    assert first.getpixel(middle) == CHOSEN, "the outline lies just outside the region"
    assert first.getpixel((round(tip.x) + 2, round(tip.y) + 8)) != first.getpixel((round(tip.x) - 6, round(tip.y) + 2))
    ink = np.argwhere(np.all(np.asarray(first)[:338] == (28, 30, 36), axis=-1))
    assert abs(ink[:, 0].min() - tip.y) <= 3, "the tip of the pointer is the place of the input"
    assert abs(ink[:, 1].min() - tip.x) <= 3
    after = film[1].image
    assert CHOSEN not in {after.getpixel(middle)}


def test_a_film_of_another_shape_keeps_pictures_whole() -> None:
    place = Stage.of(Size(1200, 675), 600).placed(Size(400, 800))
    area = place.rect(Rect(0, 0, 400, 800))
    assert area.height == pytest.approx(338)
    assert area.width == pytest.approx(169)
    assert area.center.x == pytest.approx(300)


def test_gif_shows_every_step_before_and_after(run: Path, tmp_path: Path) -> None:
    done = exported(run, "gif", tmp_path / "run.gif")
    with Image.open(tmp_path / "run.gif") as film:
        assert film.n_frames == done.count == len(list(scenes(read_run(run), 960)))
        assert film.size == (960, 540 + BAR)
        film.seek(0)
        assert film.info["duration"] == 1600
        shown = np.asarray(film.convert("RGB"), dtype=int)
    place = Stage.of(SIZE, 960).placed(SIZE)
    at = place.point(Point(700, 150))
    assert np.abs(shown[round(at.y), round(at.x)] - COLOUR).max() <= 8
    edge = place.rect(MENU)
    assert np.abs(shown[round(edge.center.y), round(edge.left) - 3] - CHOSEN).max() <= 24


def test_films_of_a_torn_trace_with_a_lost_picture_show_the_rest(copy: Path) -> None:
    folder = copy
    whole = len(list(scenes(read_run(folder), 200)))
    lost = TraceReader.open(folder).steps()[0].of("ground")[0].text("frame")
    (folder / lost).unlink()
    journal = folder / "events.jsonl"
    journal.write_bytes(journal.read_bytes()[:-10])
    film = list(scenes(read_run(folder), 200))
    assert len(film) == whole - 1
    assert {scene.image.size for scene in film} == {(200, 112 + BAR)}


def two_steps(folder: Path) -> Path:
    with TraceWriter.create(folder, task="x") as trace:
        step = Recorder(trace)
        point = step.look("the Search menu", [MENU], 0, "user")
        step.act(Click("the Search menu"), "confirmed", point=point)
        step.blind()
        step.act(Hotkey(("escape",)), "no_change")
        trace.finish("done")
    return folder


def test_mp4_can_be_played_and_is_as_long_as_its_pictures(tmp_path: Path) -> None:
    import cv2

    run = two_steps(tmp_path / "run")
    done = exported(run, "mp4", tmp_path / "run.mp4")
    film = cv2.VideoCapture(str(tmp_path / "run.mp4"))
    try:
        assert film.isOpened()
        assert (film.get(cv2.CAP_PROP_FRAME_WIDTH), film.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (1200, 676 + BAR)
        wanted = sum(max(1, round(scene.seconds * 5)) for scene in scenes(read_run(run), 1920))
        played = 0
        first = None
        while True:
            more, image = film.read()
            if not more:
                break
            first = image if first is None else first
            played += 1
    finally:
        film.release()
    assert done.count == len(list(scenes(read_run(run), 1920)))
    assert played == wanted
    assert first is not None
    shown = first[:, :, ::-1].astype(int)
    assert np.abs(shown[150, 700] - COLOUR).max() <= 12
    place = Stage.of(SIZE, 1920).placed(SIZE)
    edge = place.rect(MENU)
    assert np.abs(shown[round(edge.center.y), round(edge.left) - 3] - CHOSEN).max() <= 60


# --- the program ----------------------------------------------------------------------------------------------------


def script_of(run: Path, out: Path) -> str:
    exported(run, "script", out)
    return out.read_text(encoding="utf-8")


def python(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True, check=False, timeout=120)


def test_script_says_the_steps_in_words_the_planner_understands(run: Path, tmp_path: Path) -> None:
    script_of(run, tmp_path / "again.py")
    shown = python(tmp_path / "again.py", "--show")
    assert shown.returncode == 0, shown.stderr
    steps = parse(
        "; ".join(
            said for said in re.split(r"\n(?=[a-z])", shown.stdout.replace("\nor not", " or not")) if said.strip()
        )
    )
    assert [type(step).__name__ for step in steps] == [
        "Click", "TypeText", "TypeText", "Click", "Drag", "Hotkey", "Scroll", "Wait",
    ]  # fmt: skip
    assert steps[0] == Click("the Search menu")
    assert steps[2] == TypeText("(secret)", None, secret=True)


def test_script_holds_no_coordinates(run: Path, tmp_path: Path) -> None:
    text = script_of(run, tmp_path / "again.py")
    allowed = {"count": "12", "amount": "3", "seconds": "2.0"}
    body = text.split("return [", 1)[1].split("]\n", 1)[0]
    for name, value in re.findall(r"(\w+)=(\d+(?:\.\d+)?)", body):
        assert name in allowed
        assert value in allowed[name]
    assert not re.search(r"\d{3,}", body)


def test_script_hands_its_options_to_reticle_run(run: Path, tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "run", task='a task with """ and \\N{x} and {braces}') as trace:
        Recorder(trace).act(Hotkey(("escape",)), "confirmed")
        trace.finish("done")
    script_of(tmp_path / "run", tmp_path / "again.py")
    done = python(tmp_path / "again.py", "--dry-run", "--auto")
    assert done.returncode == 2
    assert "choose one of --dry-run, --confirm, --auto" in done.stderr


def test_script_asks_for_secrets_and_never_holds_them(run: Path, tmp_path: Path) -> None:
    text = script_of(run, tmp_path / "again.py")
    assert "TypeText(ask('secret text'), secret=True)" in text
    assert "\u2022" not in text


def test_script_refuses_what_it_cannot_say(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "run", task="x") as trace:
        step = Recorder(trace)
        point = step.look("", [MENU], 0, "user")
        trace.event("act", step=0, kind="click", args={}, point=point, delivered="sent")
        trace.finish("done")
    with pytest.raises(BadInput, match="step 0 has no words for its target"):
        export_trace(tmp_path / "run", "script", tmp_path / "again.py")


# --- all formats ----------------------------------------------------------------------------------------------------


def out_for(to: str, folder: Path) -> Path:
    suffixes = {"gif": "run.gif", "mp4": "run.mp4", "ui-tars": "run.json", "script": "run.py"}
    return folder / suffixes.get(to, "out")


@pytest.mark.parametrize("to", [*QUICK, "gif"])
def test_secret_text_is_in_no_export(run: Path, tmp_path: Path, to: str) -> None:
    exported(run, to, out_for(to, tmp_path))
    held = everything_in(out_for(to, tmp_path))
    for form in (SECRET, json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1], "tr0ub4dor"):
        assert form.encode() not in held


@pytest.mark.parametrize("to", QUICK)
def test_a_torn_last_line_and_unknown_events_are_left_out_and_said(
    run: Path, copy: Path, tmp_path: Path, to: str
) -> None:
    whole = export_trace(run, to, out_for(to, tmp_path))
    journal = copy / "events.jsonl"
    text = journal.read_text()
    last = json.loads(text.splitlines()[-1])
    new = {**last, "seq": last["seq"] + 1, "type": "gaze", "step": 0, "parent_seq": None, "x": 1}
    journal.write_text(text + json.dumps(new) + "\n" + text.splitlines()[-1][:40])
    (tmp_path / "again").mkdir()
    done = export_trace(copy, to, out_for(to, tmp_path / "again"))
    assert done.count == whole.count
    assert any("cut off" in line for line in done.left_out)
    assert "1 events of unknown types" in done.left_out


@pytest.mark.parametrize("to", FORMATS)
def test_a_line_damaged_in_the_middle_is_refused_by_name(copy: Path, tmp_path: Path, to: str) -> None:
    journal = copy / "events.jsonl"
    rows = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([*rows[:4], rows[4][:30] + "\n", *rows[5:]]))
    with pytest.raises(BadInput, match=r"events\.jsonl line 5 is damaged"):
        export_trace(copy, to, out_for(to, tmp_path))
    assert not out_for(to, tmp_path).exists()


@pytest.mark.parametrize("to", FORMATS)
def test_a_run_without_steps_is_refused(tmp_path: Path, to: str) -> None:
    with TraceWriter.create(tmp_path / "run", task="x") as trace:
        trace.event("task", text="x", from_="user")
        trace.finish("failed")
    with pytest.raises(BadInput, match="it has 0 steps, and"):
        export_trace(tmp_path / "run", to, out_for(to, tmp_path))
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]


@pytest.mark.parametrize("to", TRAINING)
def test_what_nobody_vouches_for_is_not_learnt_from(tmp_path: Path, to: str) -> None:
    with pytest.raises(BadInput, match="chosen by a person or confirmed by its effect"):
        export_trace(unvouched(tmp_path / "run"), to, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("to", DONE)
def test_records_of_what_was_done_keep_it_all_the_same(tmp_path: Path, to: str) -> None:
    assert exported(unvouched(tmp_path / "run"), to, out_for(to, tmp_path)).count == 1


@pytest.mark.parametrize("to", QUICK)
def test_a_lost_picture_costs_its_step_only(copy: Path, tmp_path: Path, to: str) -> None:
    folder = copy
    lost = TraceReader.open(folder).steps()[0].of("ground")[0].text("frame")
    (folder / lost).write_bytes((folder / lost).read_bytes()[:100])
    done = exported(folder, to, out_for(to, tmp_path))
    assert done.count > 1
    if to not in ("script",):
        assert any("missing or damaged" in line for line in done.left_out)
    if to == "screenspot":
        rows = loaded(tmp_path / "out/screenspot.json")
        assert [row["instruction"] for row in rows] == CHOSEN_WORDS[1:]


@pytest.mark.parametrize("to", FORMATS)
def test_nothing_is_ever_replaced(run: Path, tmp_path: Path, to: str) -> None:
    out = out_for(to, tmp_path)
    if FORMATS[to].folder:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    else:
        out.write_text("mine")
    with pytest.raises(BadInput, match=r"not empty|never replaces"):
        export_trace(run, to, out)
    assert b"mine" in everything_in(out)


def test_unknown_format_is_named(run: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"there is no format 'docx' here; use one of gif, mp4, screenspot"):
        export_trace(run, "docx", tmp_path / "out")


def test_a_picture_outside_the_trace_is_not_exported(copy: Path, tmp_path: Path) -> None:
    folder = copy
    secret = tmp_path / "private.png"
    picture(0).save(secret)
    frames = folder / "frames"
    name = next(frames.glob("*.png")).name
    (frames / name).unlink()
    (frames / name).symlink_to(secret)
    done = export_trace(folder, "osworld", tmp_path / "out")
    assert any(name in line for line in done.left_out)


# --- from a real loop -----------------------------------------------------------------------------------------------


def test_what_the_loop_records_can_be_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    desk = Desk()
    task = "click ok, then type 'hello' into the field"
    with TraceWriter.create(tmp_path / "run", task=task, displays=[desk.display]) as trace:
        result = run_task(
            task,
            planner=RulePlanner(),
            screen=desk,
            grounder=desk,
            approver=Person("allow", "allow"),
            actuator=desk,
            trace=trace,
            policy=Policy("confirm"),
            token=StopToken(),
        )
    assert result.status == "done"
    exported(tmp_path / "run", "osworld", tmp_path / "out")
    actions = [row["action"] for row in lines(tmp_path / "out/traj.jsonl")]
    assert actions[-1] == "DONE"
    (click,) = steps_of(read_calls(actions[0]), "ok")
    assert desk.boxes["ok"].contains(click.places[0])
    written = python(script_path(tmp_path), "--show").stdout.splitlines()
    assert parse("; ".join(written)) == (Click("ok"), TypeText("hello", "the field"))


def script_path(tmp_path: Path) -> Path:
    export_trace(tmp_path / "run", "script", tmp_path / "again.py")
    return tmp_path / "again.py"
