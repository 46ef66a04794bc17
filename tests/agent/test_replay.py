"""A recorded run is done again by its words and looks; where the screen is another one, it halts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agent_fakes.desk import ORIGIN, Desk, Person, hurry
from agent_fakes.recorded import recorded
from PIL import Image, ImageDraw, ImageFont, ImageOps

from reticle_agent.actions import Click, ClickAt, EnterText, Finish, Hotkey, Input, PressKeys, Step, TypeText
from reticle_agent.loop import RunResult, run_task
from reticle_agent.replay.again import ALIKE, ReplayPlanner, ReplayWitness
from reticle_agent.replay.likeness import crop_of, likeness, same_text
from reticle_agent.replay.recording import read_recording
from reticle_agent.replay.whatif import compare
from reticle_agent.safety import Policy
from reticle_agent.seams import StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceReader, TraceWriter
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect

# --- likeness ------------------------------------------------------------------------------------------------------

WORDS = ("Search", "Find and Replace...", "Cancel", "Preferences", "OK", "Help")


def label(
    words: str, scale: float = 1.0, dark: bool = False, colour: str = "#1a1a1a", back: str = "#f0f0f0"
) -> Image.Image:
    font = ImageFont.truetype("DejaVuSans.ttf", round(14 * scale))
    width = round(font.getlength(words) + 24 * scale)
    image = Image.new("RGB", (width, round(30 * scale)), back)
    ImageDraw.Draw(image).text((12 * scale, 6 * scale), words, fill=colour, font=font)
    return ImageOps.invert(image) if dark else image


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize(
    ("scale", "dark"), [(1.0, False), (1.25, False), (2.0, False), (1.0, True), (1.5, True), (0.85, True)]
)
def test_the_same_control_in_another_theme_and_scale(words: str, scale: float, dark: bool) -> None:
    assert likeness(label(words), label(words, scale, dark)) >= ALIKE


def icon_in_menu(scale: int) -> tuple[Image.Image, Rect]:
    """A small picture beside the frame of its menu, and where it is."""
    side = 24 * scale
    image = Image.new("RGB", (10 * side, 4 * side), "#ffffff")
    draw = ImageDraw.Draw(image)
    draw.rectangle((side // 2, 0, 9 * side, 3 * side), outline="#b0a8a0", width=scale)
    left, top = side, 3 * side // 2
    corners = [(0.5, 0), (0.62, 0.38), (1, 0.5), (0.62, 0.62), (0.5, 1), (0.38, 0.62), (0, 0.5), (0.38, 0.38)]
    draw.polygon([(left + x * side, top + y * side) for x, y in corners], fill="#e0c830", outline="#a08000")
    return image, Rect(left, top, left + side, top + side)


def test_a_small_icon_at_twice_the_scale_is_the_same_one() -> None:
    """A margin of so many pixels, whatever the scale, made it a smaller part of the crop that was compared."""
    before, now = icon_in_menu(1), icon_in_menu(2)
    assert likeness(crop_of(*before), crop_of(*now)) >= ALIKE
    beside = crop_of(now[0], now[1].shifted(0, -60))
    assert likeness(crop_of(*before), beside) < ALIKE


def test_other_controls_are_less_alike() -> None:
    for words in WORDS:
        others = [likeness(label(words), label(other)) for other in WORDS if other != words]
        assert max(others) < likeness(label(words), label(words, 1.25, True))
        assert max(others) < ALIKE


def test_empty_crops_are_alike_only_to_each_other() -> None:
    flat = Image.new("RGB", (40, 20), "#cccccc")
    assert likeness(flat, Image.new("RGB", (80, 40), "#101010")) == 1.0
    assert likeness(flat, label("OK")) == 0.0


@pytest.mark.parametrize(
    ("recorded_text", "now", "same"),
    [
        ("Save", "save", True),
        ("Find and Replace...", "Find and Replace…", True),
        ("Preferences", "Preferenccs", True),
        ("Save", "Delete", False),
        ("Save", "", None),
        (None, "Save", None),
        ("...", "Save", None),
    ],
)
def test_texts(recorded_text: str | None, now: str | None, same: bool | None) -> None:
    assert same_text(recorded_text, now) is same


# --- on a drawn desktop --------------------------------------------------------------------------------------------


class Steps:
    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def next(self, task: str, past: tuple[StepOutcome, ...]) -> Step:  # type: ignore[override]
        return self.steps[len(past)] if len(past) < len(self.steps) else Finish(True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def reacting(desk: Desk) -> Desk:
    """Each input writes into the field, so that everything has an effect."""

    def write(action: Input) -> None:
        desk.texts["field"] = f"{len(desk.performed)} {type(action).__name__}"
        desk.boxes["light"] = Rect(10 + 20 * len(desk.performed), 250, 24 + 20 * len(desk.performed), 264)

    desk.on_input = write
    return desk


def record(folder: Path, *steps: Step) -> Path:
    desk = reacting(Desk())
    secrets = [step.text for step in steps if isinstance(step, TypeText) and step.secret]
    with TraceWriter.create(folder, task="the task", displays=[desk.display], secrets=secrets) as trace:
        result = run_task(
            "the task",
            planner=Steps(*steps),
            screen=desk,
            grounder=desk,
            approver=None,
            actuator=desk,
            trace=trace,
            policy=Policy("auto"),
            token=StopToken(),
        )
    assert result.status == "done"
    return folder


def again(folder: Path, desk: Desk, out: Path, person: Person | None = None) -> RunResult:
    recording = read_recording(folder, lambda question: "hunter22")
    with TraceWriter.create(out, task=recording.task, source="replay", secrets=recording.secrets) as trace:
        return run_task(
            recording.task,
            planner=ReplayPlanner(recording),
            screen=desk,
            grounder=desk,
            approver=person,
            actuator=desk,
            trace=trace,
            policy=Policy("auto"),
            token=StopToken(),
            witness=ReplayWitness(recording),
        )


def test_targets_that_moved_are_found(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", Click("the ok button"), TypeText("hello", "field"), Hotkey(("ctrl", "s")))
    desk = reacting(Desk())
    desk.boxes = {"field": Rect(40, 20, 340, 50), "ok": Rect(250, 200, 310, 230)}
    result = again(folder, desk, tmp_path / "second")
    assert (result.status, result.message) == ("done", "did 3 recorded steps again")
    x, y = ORIGIN
    assert desk.performed == [
        ClickAt((x + 280, y + 215)),
        ClickAt((x + 190, y + 35)),
        EnterText("hello"),
        PressKeys(("ctrl", "s")),
    ]


def test_another_control_under_the_same_words_is_asked_about(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", Click("ok"))
    for n, person in enumerate((None, Person("deny"), Person("allow"))):
        desk = reacting(Desk())
        desk.texts["ok"] = "gone"
        desk.read["ok"] = "gone"
        result = again(folder, desk, tmp_path / f"again{n}", person)
        why = "the replay is not sure: the place reads 'gone', recorded was 'ok'"
        if person is None:
            assert (result.status, result.message) == ("refused", f"nobody was there to approve it ({why})")
        else:
            assert person.requests[0].reason == why
        assert len(desk.performed) == (1 if n == 2 else 0)


def test_a_lower_candidate_that_is_as_recorded_is_taken(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", Click("ok"))
    desk = reacting(Desk())
    desk.texts = {"ok": "no", "pay": "ok"}
    desk.read = {"ok": "no", "pay": "ok"}
    assert again(folder, desk, tmp_path / "second").status == "done"
    assert desk.performed == [ClickAt((ORIGIN[0] + 230, ORIGIN[1] + 65))]
    events = [json.loads(line) for line in (tmp_path / "second" / "events.jsonl").read_text().splitlines()]
    assert [e["candidate_id"] for e in events if e["type"] == "choose"] == ["c1", "c2"]


def test_two_places_as_recorded_are_asked_about(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", Click("ok"))
    desk = reacting(Desk())
    desk.texts["pay"] = desk.read["pay"] = "ok"
    result = again(folder, desk, tmp_path / "second")
    assert result.status == "refused"
    assert "two places are as recorded" in result.message
    assert desk.performed == []


def test_a_target_that_is_gone_halts(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", Click("ok"))
    desk = Desk()
    desk.boxes.pop("ok")
    assert again(folder, desk, tmp_path / "second").status == "not_found"
    assert desk.performed == []


def test_a_step_that_has_lost_its_effect_halts(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", Hotkey(("a",)), Hotkey(("b",)))
    desk = Desk()
    result = again(folder, desk, tmp_path / "second")
    assert result.status == "failed"
    assert result.message.startswith("halted after step 0 of the recording: it changed something")
    assert desk.performed == [PressKeys(("a",))]


def test_a_secret_is_asked_for_and_stays_out_of_both_traces(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", TypeText("hunter22", "field", secret=True))
    desk = reacting(Desk())
    assert again(folder, desk, tmp_path / "second").status == "done"
    assert EnterText("hunter22") in desk.performed
    for name in ("first", "second"):
        assert "hunter22" not in (tmp_path / name / "events.jsonl").read_text()
    with pytest.raises(BadInput, match="nobody told"):
        read_recording(folder)


def test_what_cannot_be_done_again_is_said(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "empty", task="t") as trace:
        trace.event("task", text="t")
        trace.finish("done")
    with pytest.raises(BadInput, match="none of them was carried out"):
        read_recording(tmp_path / "empty")
    with pytest.raises(BadInput, match="no trace"):
        read_recording(tmp_path / "nothing")


def test_recorded_choices_and_drags_keep_their_looks(tmp_path: Path) -> None:
    recording = read_recording(recorded(tmp_path / "trace"), lambda question: "x" * 8)
    first, drag = recording.steps[0], recording.steps[4]
    assert first.targets[0].crop is not None
    assert first.targets[0].text == "Search"
    assert [target.words for target in drag.targets] == ["the file", "the bin"]
    assert all(target.crop is not None for target in drag.targets)


# --- what if -------------------------------------------------------------------------------------------------------


def test_the_same_model_says_the_same(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", Click("ok"), TypeText("x", "field"))
    rows = list(compare(TraceReader.open(folder), Desk()))
    assert [(row.step, row.verdict, row.differs, row.distance) for row in rows] == [
        (0, "same", False, pytest.approx(0, abs=1e-3)),
        (1, "same", False, pytest.approx(0, abs=1e-3)),
    ]


def test_other_words_and_another_model_are_told_apart(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", Click("ok"), Click("field"))
    trace = TraceReader.open(folder)
    rows = list(compare(trace, Desk(), {0: "pay", 1: "the moon"}))
    assert [(row.verdict, row.words, row.recorded_words) for row in rows] == [
        ("moved", "pay", "ok"),
        ("lost", "the moon", "field"),
    ]
    assert rows[0].distance == pytest.approx(150)
    assert [row.differs for row in rows] == [True, True]


def test_a_screen_is_looked_at_once_for_all_its_steps(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    desk = Desk()
    with TraceWriter.create(folder, task="t", displays=[desk.display]) as trace:
        run_task(
            "t",
            planner=Steps(Click("ok"), Click("field")),
            screen=desk,
            grounder=desk,
            approver=None,
            actuator=desk,
            trace=trace,
            policy=Policy("auto"),
            token=StopToken(),
        )
    other = Desk()
    assert len(list(compare(TraceReader.open(folder), other))) == 2
    assert other.observed == 1


def test_steps_without_a_target_cannot_get_words(tmp_path: Path) -> None:
    folder = record(tmp_path / "first", Click("ok"), Hotkey(("a",)))
    with pytest.raises(BadInput, match="nothing was looked for in step 1; the steps with a target are: 0"):
        list(compare(TraceReader.open(folder), Desk(), {1: "x"}))
