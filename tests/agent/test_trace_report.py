"""The page and the terminal table made from a trace."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reticle_agent.actions import Click, Drag, TypeText
from reticle_agent.seams import Display, Frame
from reticle_agent.trace import (
    ModelFacts,
    PolicyFacts,
    TraceWriter,
    act_fields,
    act_point,
    choose_fields,
    ground_fields,
    observe_fields,
    show,
    summary,
    verify_fields,
    write_report,
)
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform
from reticle_grounding.types import Candidate, Grounding

EVIL = "<script>alert(1)</script>\"'><img src=http://evil.example/x onerror=alert(2)><style>@import 'http://e'</style>{{7*7}}"
SIZE = Size(640, 480)
REGION = Rect(100, 60, 180, 100)


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.rects: list[dict[str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "rect":
            self.rects.append({name: value or "" for name, value in attrs})

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] != "style":
            self.text += data

    def values(self, *names: str) -> list[str]:
        return [value for name, value in self.attributes if name in names]


def grounding(text: str = "", found: bool = True) -> Grounding:
    attention = np.zeros((17, 23), dtype=np.float32)
    attention[3, 5] = 1.0
    candidates = (
        Candidate(1, REGION.center, REGION, 0.93, 0.8, 0.4, "attention", text),
        Candidate(2, Point(420, 310), Rect(400, 300, 440, 320), 0.2, 0.1, 0.1, "text", text),
    )
    transform = Transform.for_image(SIZE, Size(644, 476), 28)
    return Grounding(text or "the button", SIZE, candidates, found, 0.5, attention, transform, {"prefill": 90}, "m")


def recorded(folder: Path, text: str = "") -> Path:
    """A run with every type of event; ``text`` goes into every text field."""
    word = text or "plain"
    screen = Rect.of_size(SIZE)
    display = Display(word, screen, screen, 1.0, primary=True)
    links = (Affine(), Affine())
    image = Image.new("RGB", (SIZE.width, SIZE.height), "white")
    frame = Frame(image, display, Transform((Space.LOGICAL, Space.PHYSICAL, Space.CAPTURE), links), 0, "0" * 16)
    models = [ModelFacts("grounder", word, revision=word, device=word)]
    with TraceWriter.create(
        folder, task=word, models=models, displays=[display], policy=PolicyFacts(word), app_version=word
    ) as trace:
        trace.event("task", text=word, from_="user")
        path = trace.frame(image)
        after = trace.frame(Image.new("RGB", (SIZE.width, SIZE.height), "black"))
        trace.event("plan", step=1, instruction=word, thought=word, planner_ms=1)
        window = {"app": word, "title_masked": word}
        trace.event("observe", step=1, **observe_fields(frame, path), wait_ms=10, top_window=window)
        seen = grounding(text)
        trace.event("ground", step=1, **ground_fields(seen, path, trace.map(seen)))
        trace.event("verify", step=1, **verify_fields(seen), ms=20)
        trace.event("choose", step=1, **choose_fields(seen, 0, "user"), shown_ms=800)
        trace.event("gate", step=1, decision="allow", source="user", question=word, rule=word, latency_ms=900)
        recheck = {"similarity": 0.987, "passed": True}
        point = act_point(frame, seen, seen.candidates[0].point)
        act = act_fields(Click(word))
        trace.event("act", step=1, **act, point=point, recheck=recheck, delivered="sent", ms=7)
        trace.event("check", step=1, effect="confirmed", frame_after=after, method=word, expect=word)
        trace.event("act", step=2, **act_fields(TypeText(word, target=word)), delivered="sent", ms=5)
        trace.event("note", step=2, message=word)
        missing = grounding(text, found=False)
        trace.event("ground", step=3, **ground_fields(missing, path, None))
        trace.event("verify", step=3, **verify_fields(missing))
        trace.event("act", step=4, **act_fields(Drag(word, word)), delivered="refused", point=point, end_point=point)
        trace.event("human", step=4, event="key.down", text=word)
        trace.event("stop", step=4, trigger="hotkey", latency_ms=38, released_keys=[word])
        trace.event("error", message=word, detail=word)
        trace.event("note", message=word)
        trace.finish(word, by=word)
    return folder


def page_of(folder: Path, out: Path) -> Page:
    return Page(write_report(folder, out).read_text(encoding="utf-8"))


def test_text_from_the_screen_is_shown_and_never_run(tmp_path: Path) -> None:
    page = page_of(recorded(tmp_path / "run", EVIL), tmp_path / "report.html")
    assert {"script", "img", "iframe", "object", "link"}.isdisjoint(page.tags)
    assert page.tags.count("style") == 1
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    assert page.text.count(EVIL) > 20


def test_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    out = write_report(recorded(tmp_path / "run"), tmp_path / "report.html")
    html = out.read_text(encoding="utf-8")
    page = Page(html)
    links = page.values("href", "src", "xlink:href", "srcset", "poster", "action", "data")
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert re.findall(r"https?://|url\(|@import|//[a-z]+\.", re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)) == []
    policy = next(value for value in page.values("content") if "default-src" in value)
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_every_reference_inside_the_page_exists_and_pictures_are_held_once(tmp_path: Path) -> None:
    page = page_of(recorded(tmp_path / "run"), tmp_path / "report.html")
    targets = [link[1:] for link in page.values("href") if link.startswith("#")]
    ids = page.values("id")
    assert set(targets) <= set(ids)
    assert len(ids) == len(set(ids))
    uris = [link for link in page.values("href") if link.startswith("data:")]
    assert len(uris) == len(set(uris)) == 3


def test_candidates_are_drawn_where_they_were_found(tmp_path: Path) -> None:
    page = page_of(recorded(tmp_path / "run"), tmp_path / "report.html")
    drawn = [rect for rect in page.rects if rect.get("class") == "edge"]
    expected = {"x": "100.0", "y": "60.0", "width": "80.0", "height": "40.0"}
    assert any(expected.items() <= rect.items() for rect in drawn)
    assert "translate(140.0 80.0)" in " ".join(page.values("transform"))


@pytest.mark.parametrize(
    "words",
    [
        "93%",
        "candidate 1, by user, shown for 800 ms",
        "allow by user after 900 ms",
        "0.987 similar: the target was unchanged",
        "Not found on this screen: no candidate reaches 50%",
        "stopped by hotkey, input ended after 38 ms; released plain",
        "140.0, 80.0",
        "0.2188, 0.1667",
        "confirmed",
    ],
)
def test_page_tells_what_happened(tmp_path: Path, words: str) -> None:
    assert words in page_of(recorded(tmp_path / "run"), tmp_path / "report.html").text


def test_damaged_pictures_leave_the_rest_of_the_page(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "run")
    for path in [*(folder / "frames").iterdir(), *(folder / "maps").iterdir()]:
        path.write_bytes(path.read_bytes()[:40])
    page = page_of(folder, tmp_path / "report.html")
    assert "allow by user" in page.text
    assert [link for link in page.values("href") if link.startswith("data:")] == []


def test_reference_that_leaves_the_folder_is_not_followed(tmp_path: Path) -> None:
    """The schema refuses such a path; a link in the folder's place is the other way out."""
    folder = recorded(tmp_path / "run")
    before = page_of(folder, tmp_path / "report.html")
    assert any(value.startswith("frame-") for value in before.values("id"))
    outside = tmp_path / "outside"
    (folder / "frames").rename(outside)
    (folder / "frames").symlink_to(outside)
    page = page_of(folder, tmp_path / "report.html")
    assert not any(value.startswith("frame-") for value in page.values("id"))


def test_trace_without_events_makes_a_page(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "run", task="half \ud83d pair") as trace:
        trace.finish("failed")
    page = page_of(trace.folder, tmp_path / "report.html")
    assert "No step was recorded." in page.text
    assert show(trace.folder).startswith("half")


def test_report_errors_are_plain(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no trace in"):
        write_report(tmp_path, tmp_path / "report.html")
    folder = recorded(tmp_path / "run")
    (tmp_path / "file").touch()
    with pytest.raises(ReticleError, match="cannot write the report"):
        write_report(folder, tmp_path / "file" / "report.html")
    with pytest.raises(ReticleError, match="cannot write"):
        write_report(folder, tmp_path / "run" / "frames")


def test_terminal_table_lists_steps_and_cannot_be_steered(tmp_path: Path) -> None:
    text = show(recorded(tmp_path / "run", "\x1b[2Jred\x07 \u202eevil"))
    assert not [char for char in text if not char.isprintable() and char != "\n"]
    rows = [line for line in text.splitlines() if re.match(r"\d ", line)]
    assert [row.split()[-1] for row in rows] == ["done", "done", "found", "stopped"]
    assert "93%" in rows[0]
    assert "140, 80" in rows[0]


def test_summary_is_one_json_document(tmp_path: Path) -> None:
    document = json.loads(json.dumps(summary(recorded(tmp_path / "run"))))
    first, *_, last = document["steps"]
    assert (first["p_true"], first["point"], first["chosen_by"], first["effect"]) == (
        0.93,
        [140, 80],
        "user",
        "confirmed",
    )
    assert (last["status"], document["status"], document["torn"]) == ("stopped", "plain", None)
    assert document["alarms"] == ["plain"]
