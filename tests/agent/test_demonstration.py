"""Demonstrations: from presses to steps, what they are called, and which text is never written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from agent_fakes.desk import SIZE, Desk

from reticle_agent.actions import Pixel
from reticle_agent.demonstration.gestures import Clicked, Dragged, Gestures, Hand, Pressed, Scrolled, Typed
from reticle_agent.demonstration.keys import Key, meaning
from reticle_agent.demonstration.recorder import Demonstration, Recorded
from reticle_agent.demonstration.under import Element, Focus, Shown
from reticle_agent.demonstration.words import labelled_by, proposed, read_at, short
from reticle_agent.demonstration.writing import StepWriter
from reticle_agent.harvest.bus import Ref
from reticle_agent.seams import Frame
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceReader, TraceWriter, verify
from reticle_agent.trace.export import export_trace
from reticle_agent.trace.export.record import read_run
from reticle_grounding.geometry import Point, Rect
from reticle_grounding.ocr import TextBox

A, UPPER_A, ONE, EXCLAM, RETURN, ESCAPE = 0x61, 0x41, 0x31, 0x21, 0xFF0D, 0xFF1B


def press(at: Pixel, ms: float, button: int = 1) -> Hand[str]:
    return Hand("button", ms, at, f"seen {ms:g}", button)


def release(at: Pixel, ms: float, button: int = 1) -> Hand[str]:
    return Hand("button_up", ms, at, f"seen {ms:g}", button)


def key(char: str, ms: float, name: str | None = None, held: tuple[str, ...] = ()) -> Hand[str]:
    text = None if name else char
    return Hand("key", ms, (0, 0), f"seen {ms:g}", key=Key(text, name or char, held))


def made(*hands: Hand[str]) -> list[object]:
    gestures: Gestures[str] = Gestures()
    return [g for hand in hands for g in gestures.feed(hand)] + gestures.flush()


def test_two_quick_clicks_at_one_place_are_one_double_click_seen_before_the_first() -> None:
    twice = made(press((10, 10), 0), release((10, 10), 60), press((11, 10), 200), release((11, 10), 250))
    assert twice == [Clicked("seen 0", 0, 250, (10, 10), "left", 2)]
    slow = made(press((10, 10), 0), release((10, 10), 60), press((10, 10), 600), release((10, 10), 650))
    assert [c.count for c in slow if isinstance(c, Clicked)] == [1, 1]
    apart = made(press((10, 10), 0), release((10, 10), 60), press((40, 10), 200), release((40, 10), 250))
    assert [c.at for c in apart if isinstance(c, Clicked)] == [(10, 10), (40, 10)]
    other = made(press((10, 10), 0), release((10, 10), 60), press((10, 10), 200, 3), release((10, 10), 250, 3))
    assert [c.button for c in other if isinstance(c, Clicked)] == ["left", "right"]


def test_a_pointer_that_moves_while_pressed_drags() -> None:
    assert made(press((10, 10), 0), release((90, 50), 400)) == [Dragged("seen 0", 0, 400, (10, 10), (90, 50))]


def test_notches_one_way_are_one_turn_of_the_wheel() -> None:
    wheel = [h for ms in (0, 50, 100) for h in (press((5, 5), ms, 5), release((5, 5), ms + 5, 5))]
    assert made(*wheel, press((5, 5), 150, 4)) == [
        Scrolled("seen 0", 0, 100, (5, 5), "down", 3),
        Scrolled("seen 150", 150, 150, (5, 5), "up", 1),
    ]


def test_typing_is_one_text_until_another_key_or_a_pause() -> None:
    hands = [key("h", 0), key("x", 50), key("", 90, "backspace"), key("i", 120), key("", 200, "enter")]
    assert made(*hands) == [Typed("seen 0", 0, 120, "hi"), Pressed("seen 200", 200, 200, ("enter",))]
    gestures: Gestures[str] = Gestures()
    gestures.feed(key("h", 0))
    assert gestures.rest(1400) == []
    assert gestures.rest(1600) == [Typed("seen 0", 0, 0, "h")]


def test_a_text_taken_back_whole_is_no_text() -> None:
    assert made(key("h", 0), key("", 50, "backspace")) == []


def test_keys_with_a_command_modifier_are_chords() -> None:
    assert made(key("s", 0, held=("ctrl",))) == [Pressed("seen 0", 0, 0, ("ctrl", "s"))]
    assert Key("S", "s", ("ctrl", "shift")).chord == ("ctrl", "shift", "s")
    assert Key("?", "?", ("ctrl", "shift")).chord == ("ctrl", "?")
    assert Key(None, "f5", ("shift",)).chord == ("shift", "f5")


@pytest.mark.parametrize(
    ("row", "state", "held", "text", "name"),
    [
        ((A, UPPER_A), 0, (), "a", "a"),
        ((A, UPPER_A), 0, ("shift",), "A", "A"),
        ((A, UPPER_A), 2, (), "A", "A"),
        ((A, UPPER_A), 2, ("shift",), "a", "a"),
        ((ONE, EXCLAM), 2, (), "1", "1"),
        ((A, UPPER_A, 0, 0, 0xE6, 0xC6), 0, ("altgr",), "æ", "æ"),
        ((A, UPPER_A, 0x1000444, 0x1000424), 1 << 13, (), "ф", "ф"),
        ((RETURN,), 0, (), None, "enter"),
        ((0xFF96, 0xFFB4), 16, (), "4", "4"),
        ((0xFF96, 0xFFB4), 0, (), None, "left"),
        ((0x20,), 0, (), " ", "space"),
    ],
)
def test_what_a_key_means(row: tuple[int, ...], state: int, held: tuple[str, ...], text: str | None, name: str) -> None:
    found = meaning(row, state, frozenset(held), 38)
    assert found is not None
    assert (found.text, found.name) == (text, name)


def test_a_chord_goes_by_the_plain_letter_and_by_the_place_without_latin_letters() -> None:
    found = meaning((A, UPPER_A), 0, frozenset({"ctrl", "shift"}), 38)
    assert found is not None
    assert found.chord == ("ctrl", "shift", "a")
    cyrillic = meaning((0x1000444, 0x1000424), 0, frozenset({"ctrl"}), 38)
    assert cyrillic is not None
    assert not cyrillic.types


def test_words_for_elements() -> None:
    assert proposed("push button", "Save", "", "") == "the Save button"
    assert proposed("push button", "Cancel button", "", "") == "the Cancel button"
    assert proposed("menu", "_File", "", "") == "the File menu"
    assert proposed("text", "draft of the letter", "Subject:", "") == "the Subject field"
    assert proposed("push button", "", "", "Print the document") == "the Print the document button"
    assert proposed("label", "Ready", "", "") == "Ready"
    assert proposed("push button", " ", "", "") is None
    assert len(short("word " * 40)) <= 60


def test_words_read_at_and_beside_a_point() -> None:
    name, above = TextBox("Name:", Rect(10, 10, 60, 26), 1.0, ()), TextBox("Notes", Rect(10, 60, 60, 76), 1.0, ())
    assert read_at(Point(20, 15), [name, above]) is name
    assert read_at(Point(100, 15), [name, above]) is None
    assert labelled_by(Point(100, 18), [name, above]) is name
    assert labelled_by(Point(40, 100), [name, above]) is above
    assert labelled_by(Point(300, 200), [name, above]) is None


# --- recording ----------------------------------------------------------------------------------------------------

FIELD, PASSWORD = Ref("app", "/field"), Ref("app", "/password")


@dataclass
class Told:
    """A program that tells what it shows and what has the keyboard."""

    desk: Desk
    focused: Focus | None = field(default_factory=lambda: Focus(FIELD, True))
    masks: tuple[Rect, ...] = ()
    own: bool = False
    asked: Callable[[], None] = lambda: None

    def shown(self, frame: Frame) -> Shown:
        x, y = self.desk.display.physical.left, self.desk.display.physical.top
        roles = {"ok": "push button", "pay": "push button", "field": "text"}
        found = [Element(roles[n], n.upper(), "", "", box.shifted(x, y)) for n, box in self.desk.boxes.items()]
        return Shown(frame, tuple(found), self.masks)

    def carried(self, last: Shown, frame: Frame) -> Shown:
        return Shown(frame, (), last.masks)

    def ours(self, pixel: Pixel) -> bool:
        return self.own

    def keyboard_is_ours(self) -> bool:
        return self.own

    def focus(self) -> Focus | None:
        self.asked()
        return self.focused

    def still(self, focus: Focus) -> bool:
        return self.focused == focus


class Script:
    """A person: each entry is what is done between two looks of the recorder."""

    lost = ""

    def __init__(
        self, newest: Callable[[], Shown], rounds: list[Callable[[], list[Hand[Shown]]]], end: StopToken
    ) -> None:
        self._rounds, self._end = rounds, end
        self.behind: list[Hand[Shown]] = []

    def take(self) -> list[Hand[Shown]]:
        if not self._rounds:
            self._end.stop("hotkey", "ctrl+alt+escape")
            return []
        return self._rounds.pop(0)()

    def waiting(self) -> list[Hand[Shown]]:
        return self.behind

    def close(self) -> None:
        """Nothing runs."""


class Demo:
    """A drawn desktop, what its program tells, and a person who does what the test says."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.desk, self.folder, self.options = Desk(), folder, options
        self.told = Told(self.desk)
        self.rounds: list[Callable[[], list[Hand[Shown]]]] = []
        self.script: Script | None = None
        self.shown: Shown | None = None
        self.ms = 0.0

    def at(self, name: str) -> Pixel:
        box, origin = self.desk.boxes[name], self.desk.display.physical
        return round(box.center.x + origin.left), round(box.center.y + origin.top)

    def click(self, name: str, effect: str | None = "pressed") -> None:
        def hands() -> list[Hand[Shown]]:
            self.ms = max(self.ms, self._now()) + 10
            seen = self._newest()
            if effect is not None:
                self.desk.texts[name] = effect
            at = self.at(name)
            return [Hand("button", self.ms, at, seen, 1), Hand("button_up", self.ms + 5, at, seen, 1)]

        self.rounds.append(hands)

    def types(self, text: str, *after: str) -> None:
        def hands() -> list[Hand[Shown]]:
            self.ms = max(self.ms, self._now()) + 10
            seen = self._newest()
            chars = [Hand("key", self.ms + i, (0, 0), seen, key=Key(c, c, ())) for i, c in enumerate(text)]
            ends = [Hand("key", self.ms + 99, (0, 0), seen, key=Key(None, name, ())) for name in after]
            return [*chars, *ends]

        self.rounds.append(hands)

    def idle(self, change: Callable[[], None] = lambda: None, count: int = 3) -> None:
        def nothing() -> list[Hand[Shown]]:
            change()
            return []

        self.rounds += [nothing] * count

    def run(self, task: str = "show it") -> tuple[Recorded, TraceReader]:
        token = StopToken()

        def listen(newest: Callable[[], Shown]) -> Script:
            self._newest = newest
            self.script = Script(newest, self.rounds, token)
            return self.script

        with TraceWriter.create(self.folder, task=task, source="human", displays=[self.desk.display]) as trace:
            trace.event("task", text=task, from_="user")
            writer = StepWriter(trace, None)
            demo = Demonstration(self.desk, self.told, listen, writer, token, **self.options)  # type: ignore[arg-type]
            told = demo.run()
            writer.close(success=True)
            trace.finish("done", by="user")
        return told, TraceReader.open(self.folder)

    @staticmethod
    def _now() -> float:
        import time

        return time.monotonic() * 1000


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    monkeypatch.setattr("reticle_agent.demonstration.recorder.LOOK_S", 0.001)
    monkeypatch.setattr("reticle_agent.demonstration.recorder.SETTLED_S", 0.05)
    return Demo(tmp_path / "trace")


def written(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix in (".jsonl", ".json"))


def test_a_click_becomes_a_step_with_words_a_region_and_an_effect(demo: Demo) -> None:
    demo.idle()
    demo.click("ok")
    demo.idle(count=6)
    told, trace = demo.run()
    assert (told.steps, told.secret, told.left_out) == (1, 0, 0)
    assert verify(demo.folder) == []
    step = trace.steps()[0]
    assert [e.type for e in step.events] == ["plan", "observe", "human", "ground", "choose", "act", "check"]
    [ground], [choose], act, check = step.of("ground"), step.of("choose"), step.last("act"), step.last("check")
    assert ground.text("instruction") == "the OK button"
    assert choose.text("by") == "user"
    assert act is not None
    assert act.text("kind") == "click"
    box = demo.desk.boxes["ok"]
    region = ground.objects("candidates")[0]["region_norm"]
    expected = [box.left / SIZE.width, box.top / SIZE.height, box.right / SIZE.width, box.bottom / SIZE.height]
    assert region == pytest.approx(expected)
    assert check is not None
    assert check.text("effect") == "confirmed"
    assert trace.manifest["source"] == "human"


def test_a_demonstration_is_exported_as_labels(demo: Demo, tmp_path: Path) -> None:
    demo.idle()
    demo.click("pay")
    demo.idle(count=6)
    demo.run()
    [(_, target)] = read_run(demo.folder).labels()
    assert (target.words, target.by) == ("the PAY button", "user")
    assert target.region is not None
    assert target.region.as_tuple() == pytest.approx(demo.desk.boxes["pay"].as_tuple(), abs=0.01)
    done = export_trace(demo.folder, "screenspot", tmp_path / "out")
    assert done.count == 1


def test_text_in_an_ordinary_field_is_kept(demo: Demo) -> None:
    demo.idle()
    demo.types("hello")
    demo.idle()
    told, trace = demo.run()
    assert told.secret == 0
    act = trace.steps()[0].last("act")
    assert act is not None
    assert act.get("text") == "hello"


SECRET = "canary-7291"


@pytest.mark.parametrize("everything", [False, True])
def test_text_in_a_password_field_is_never_written(tmp_path: Path, monkeypatch: object, everything: bool) -> None:
    demo = Demo(tmp_path / "trace", all_text=everything)
    demo.told.focused = Focus(PASSWORD, False)
    demo.idle()
    demo.types(SECRET, "enter")
    demo.idle()
    told, trace = demo.run()
    assert told.secret == 1
    act = trace.steps()[0].last("act")
    assert act is not None
    assert act.get("text") == {"secret": True, "len": len(SECRET)}
    assert SECRET.encode() not in written(demo.folder)


def test_a_text_once_typed_as_a_secret_is_masked_wherever_it_comes_again(demo: Demo) -> None:
    demo.told.focused = Focus(PASSWORD, False)
    demo.idle()
    demo.types(SECRET, "enter")

    def elsewhere() -> None:
        demo.told.focused = Focus(FIELD, True)

    demo.idle(elsewhere)
    demo.types(f"x{SECRET}")
    demo.idle()
    demo.run()
    assert SECRET.encode() not in written(demo.folder)


def test_where_no_program_tells_text_is_kept_only_when_asked_for(tmp_path: Path) -> None:
    for everything in (False, True):
        demo = Demo(tmp_path / str(everything), all_text=everything)
        demo.told.focused = None
        demo.idle()
        demo.types(SECRET)
        demo.idle()
        told, _ = demo.run()
        assert told.secret == (not everything)
        assert (SECRET.encode() in written(demo.folder)) == everything


def test_a_focus_asked_for_too_late_is_not_trusted(demo: Demo) -> None:
    """The characters went to a password field; Tab was pressed before the question was answered."""
    demo.idle()

    def tab() -> None:
        assert demo.script is not None
        assert demo.shown is None
        demo.script.behind = [Hand("key", 0, (0, 0), demo._newest(), key=Key(None, "tab", ()))]

    demo.told.asked = tab
    demo.types(SECRET)
    demo.idle()
    told, _ = demo.run()
    assert told.secret == 1
    assert SECRET.encode() not in written(demo.folder)


def test_a_tab_in_the_same_batch_makes_the_focus_unsure(demo: Demo) -> None:
    demo.idle()
    demo.types(SECRET, "tab")
    demo.idle()
    told, _ = demo.run()
    assert told.secret == 1


def test_a_focus_that_moves_by_itself_while_typing_makes_the_text_secret(demo: Demo) -> None:
    demo.idle()
    demo.types(SECRET[:4])

    def jump() -> None:
        demo.told.focused = Focus(PASSWORD, False)

    demo.idle(jump)
    demo.types(SECRET[4:])
    demo.idle()
    told, _ = demo.run()
    assert told.secret == 1
    assert SECRET.encode() not in written(demo.folder)


def test_inputs_to_our_own_windows_are_left_out(demo: Demo) -> None:
    demo.told.own = True
    demo.idle()
    demo.click("ok")
    demo.types("hello")
    demo.idle()
    told, _ = demo.run()
    assert (told.steps, told.left_out) == (0, 6)
    assert b"hello" not in written(demo.folder)


def test_masked_parts_are_painted_over_in_every_picture(demo: Demo) -> None:
    from reticle_agent.trace.content import MASK_COLOUR
    from reticle_agent.trace.recall import read_frame

    demo.told.masks = (demo.desk.boxes["field"],)
    demo.idle()
    demo.click("ok")
    demo.idle(count=6)
    _, trace = demo.run()
    frames = {e.text(k) for e in trace.events for k in ("frame", "frame_after") if e.get(k)}
    assert len(frames) == 2
    for name in frames:
        picture = read_frame(trace, name)
        assert picture is not None
        assert picture.getpixel((100, 160)) == MASK_COLOUR


def test_a_place_nobody_names_is_recorded_as_a_point(demo: Demo) -> None:
    demo.told.shown = lambda frame: Shown(frame, (), ())  # type: ignore[method-assign]
    demo.idle()
    demo.click("ok")
    demo.idle(count=6)
    _, trace = demo.run()
    [choose] = trace.steps()[0].of("choose")
    assert choose.text("by") == "nudge"
    assert not trace.steps()[0].of("ground")
    assert read_run(demo.folder).steps[0].sent


def test_two_quick_steps_end_where_the_next_begins(demo: Demo) -> None:
    demo.idle()
    demo.click("ok")
    demo.click("pay")
    demo.idle(count=6)
    told, trace = demo.run()
    assert told.steps == 2
    first, second = trace.steps()[:2]
    words: Sequence[str] = [s.of("ground")[0].text("instruction") for s in (first, second)]
    assert words == ["the OK button", "the PAY button"]
