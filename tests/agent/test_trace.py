"""Traces written, read back and looked over."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reticle_agent.actions import Click, Hotkey, TypeText
from reticle_agent.planner import parse
from reticle_agent.seams import Display, Frame, TraceSink
from reticle_agent.trace import (
    LimitFacts,
    ModelFacts,
    PolicyFacts,
    Secret,
    TraceReader,
    TraceWriter,
    act_fields,
    act_point,
    choose_fields,
    ground_fields,
    observe_fields,
    secrets_of,
    verify,
    verify_fields,
)
from reticle_agent.trace.content import read_map
from reticle_agent.trace.schema import EVENT_TYPES, event_fault, load_schema, manifest_fault
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform
from reticle_grounding.types import Candidate, Grounding

CANARY = 'tr0ub4dor "&3" ümläut'
DISPLAY = Display("right", Rect(-800, 0, 0, 450), Rect(-1200, 0, 0, 675), 1.5, primary=False)
SIZE = Size(1200, 675)


def picture(seed: int = 0, size: Size = SIZE) -> Image.Image:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (size.height // 25, size.width // 25, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((size.width, size.height), Image.Resampling.NEAREST)


def captured(seed: int = 0) -> Frame:
    links = (
        Affine.mapping(DISPLAY.logical, DISPLAY.physical),
        Affine.mapping(DISPLAY.physical, Rect.of_size(SIZE)),
    )
    return Frame(
        picture(seed), DISPLAY, Transform((Space.LOGICAL, Space.PHYSICAL, Space.CAPTURE), links), 0.0, "0" * 16
    )


def grounded(instruction: str = "the Search menu") -> Grounding:
    model = Size(1204, 672)
    attention = np.random.default_rng(3).random((24, 43)).astype(np.float32)
    candidates = tuple(
        Candidate(
            rank, Point(100.0 * rank, 50), Rect(100 * rank - 20, 40, 100 * rank + 20, 60), p, p / 2, p / 9, "text"
        )
        for rank, p in enumerate((0.9, 0.3, 0.1), 1)
    )
    transform = Transform.for_image(SIZE, model, 28)
    return Grounding(
        instruction, SIZE, candidates, True, 0.5, attention / attention.sum(), transform, {"prefill": 80.0}, "small"
    )


def started(folder: Path, **more: object) -> TraceWriter:
    return TraceWriter.create(
        folder,
        task="open the Search menu",
        models=[ModelFacts("grounder", "small", device="cpu")],
        displays=[DISPLAY],
        policy=PolicyFacts("auto"),
        limits=LimitFacts(30, 300.0),
        app_version="0.1.0",
        **more,  # type: ignore[arg-type]
    )


def click_step(trace: TraceWriter, step: int) -> None:
    """Every event of one click, as the loop writes them."""
    frame, grounding = captured(step), grounded()
    trace.event("plan", step=step, instruction=grounding.instruction, planner_ms=0.2)
    path = trace.frame(frame.image)
    trace.event("observe", step=step, **observe_fields(frame, path), stable=True, wait_ms=40)
    trace.event("ground", step=step, **ground_fields(grounding, path, trace.map(grounding)))
    trace.event("verify", step=step, **verify_fields(grounding), n_calls=3, ms=12)
    trace.event("choose", step=step, **choose_fields(grounding, 0, "auto"))
    trace.event("gate", step=step, decision="allow", source="policy", rule="auto", latency_ms=0.1)
    point = act_point(frame, grounding, grounding.candidates[0].point)
    recheck = {"similarity": 0.99, "passed": True}
    trace.event("act", step=step, **act_fields(Click("x")), point=point, recheck=recheck, delivered="sent", ms=9)
    trace.event("check", step=step, effect="confirmed", frame_after=trace.frame(picture(step + 1)), method="diff")


def finished(folder: Path) -> Path:
    with started(folder) as trace:
        trace.event("task", text="open the Search menu", from_="user")
        click_step(trace, 1)
        click_step(trace, 2)
        trace.event("stop", step=2, trigger="hotkey", latency_ms=38.0, released_keys=["ctrl"])
        trace.finish("stopped", by="user")
    return folder


def everything_in(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_written_trace_fits_the_published_schema_and_reads_back(tmp_path: Path) -> None:
    from jsonschema import Draft202012Validator

    folder = finished(tmp_path / "run")
    manifest = json.loads((folder / "manifest.json").read_text())
    Draft202012Validator(load_schema("manifest")).validate(manifest)
    records = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    whole = Draft202012Validator(load_schema("event"))
    for record in records:
        whole.validate(record)
    trace = TraceReader.open(folder)
    assert [event.seq for event in trace] == list(range(len(records)))
    assert [dict(event) for event in trace] == [
        {k: v for k, v in record.items() if k not in ("seq", "t", "mono_ms", "type", "step", "parent_seq")}
        for record in records
    ]
    assert [(step.number, len(step.events)) for step in trace.steps()] == [(1, 8), (2, 9)]
    assert (trace.status, trace.torn, trace.skipped) == ("stopped", None, ())
    assert verify(folder) == []


def test_parents_lead_from_every_event_to_the_task(tmp_path: Path) -> None:
    parents = {event.seq: event.parent_seq for event in TraceReader.open(finished(tmp_path / "run"))}
    for seq in parents:
        while (above := parents[seq]) is not None:
            assert above < seq
            seq = above
        assert seq == 0


def test_frames_and_maps_come_back_as_they_were(tmp_path: Path) -> None:
    with started(tmp_path / "run") as trace:
        frame, grounding = captured(5), grounded()
        first, again = trace.frame(frame.image), trace.frame(frame.image.copy())
        stored = trace.map(grounding)
        gray = trace.frame(Image.new("RGB", (30, 20), (9, 9, 9)))
        turned = trace.frame(Image.new("RGB", (20, 30), (9, 9, 9)))
    assert first == again
    assert gray != turned
    back = Image.open(trace.folder / first).convert("RGB")
    assert back.tobytes() == frame.image.tobytes()
    grid = read_map((trace.folder / stored).read_bytes())
    np.testing.assert_allclose(grid, grounding.attention, rtol=2**-11, atol=2**-25)  # half a float16 step


def test_point_is_stored_in_four_spaces_that_agree() -> None:
    frame, grounding = captured(), grounded()
    point = act_point(frame, grounding, Point(600, 337.5))
    assert point == {
        "norm": [0.5, 0.5],
        "model_px": [602, 336],
        "logical": [-400, 225],
        "physical": [-600, 337.5],
        "display_id": "right",
    }
    assert act_point(frame, None, Point(600, 337.5))["model_px"] is None


def test_joined_chains_must_meet() -> None:
    frame, grounding = captured(), grounded()
    chain = Transform.joined(frame.transform, grounding.transform)
    assert chain.spaces == (Space.LOGICAL, Space.PHYSICAL, Space.CAPTURE, Space.MODEL, Space.PATCH)
    with pytest.raises(ValueError, match="cannot go on from"):
        Transform.joined(grounding.transform, frame.transform)


def test_candidates_are_ordered_and_the_others_rejected(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")
    step = TraceReader.open(folder).steps()[0]
    ground, choose = step.last("ground"), step.last("choose")
    assert ground is not None
    assert choose is not None
    assert ground.objects("candidates")[0]["point_norm"] == [0.0833333333, 0.0740740741]
    assert (choose["candidate_id"], choose["rejected_ids"]) == ("c1", ["c2", "c3"])


@pytest.mark.parametrize(
    ("kind", "fields", "named"),
    [
        ("observe", {"frame": "../../etc/passwd"}, "frame"),
        ("gate", {"decision": "maybe", "source": "user"}, "decision"),
        ("choose", {"by": "user"}, "candidate_id"),
        ("act", {"kind": "exec", "delivered": "sent"}, "kind"),
        ("act", {"kind": "type", "delivered": "sent", "text": {"secret": True, "len": 3, "value": "abc"}}, "text"),
        ("verify", {"candidates": [{"id": "c1", "p_true": 1.2}]}, "p_true"),
        ("stop", {"trigger": "luck"}, "trigger"),
        ("check", {"effect": "fine"}, "effect"),
    ],
)
def test_event_that_does_not_fit_is_refused_and_named(
    tmp_path: Path, kind: str, fields: dict[str, object], named: str
) -> None:
    with started(tmp_path / "run") as trace:
        with pytest.raises(ReticleError, match=named):
            trace.event(kind, step=1, **fields)
        assert trace.event("note", message="still alive") == 0
    assert len(TraceReader.open(trace.folder).events) == 1


@pytest.mark.parametrize("value", [float("nan"), b"bytes", object()])
def test_value_without_json_form_is_refused(tmp_path: Path, value: object) -> None:
    with started(tmp_path / "run") as trace, pytest.raises(ReticleError, match="a trace cannot hold"):
        trace.event("note", value=value)


def test_unknown_types_are_allowed_and_skipped(tmp_path: Path) -> None:
    with started(tmp_path / "run") as trace:
        trace.event("telepathy", wave=3)
        trace.event("note", message="x", future_field=[1])
    reader = TraceReader.open(trace.folder)
    assert reader.skipped == ("telepathy",)
    assert [event.type for event in reader] == ["note"]


def test_every_known_type_is_checked_by_the_schema() -> None:
    names = [rule["if"]["properties"]["type"]["const"] for rule in load_schema("event")["allOf"]]  # type: ignore[index,union-attr,call-overload]
    assert tuple(names) == EVENT_TYPES
    envelope = {"seq": 0, "t": "2026-01-02T03:04:05Z", "mono_ms": 0, "step": None, "parent_seq": None}
    assert event_fault({**envelope, "type": "act"}) is not None
    assert event_fault({**envelope, "type": "newer"}) is None
    assert manifest_fault({"schema": "trace/1"}) is not None


def test_examples_of_the_documentation_are_valid_and_complete() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "trace-format.md"
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith('{"seq"')]
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events] == list(EVENT_TYPES)
    assert [fault for event in events if (fault := event_fault(event))] == []


def test_secrets_never_reach_the_disk(tmp_path: Path) -> None:
    from reticle_agent.trace import show, summary, write_report

    with started(tmp_path / "run", consent={"note": f"say {CANARY}"}, secrets=[CANARY]) as trace:
        trace.event("plan", step=1, instruction=f"type {CANARY} into the box", thought=CANARY)
        trace.event("act", step=1, **act_fields(TypeText("pässwörd42", secret=True)), delivered="sent")
        trace.event("error", step=1, message="could not paste pässwörd42", detail={"tried": ["pässwörd42", CANARY]})
        trace.event("human", step=1, event="text_group", text=Secret("0451"))
        trace.finish("failed")
    write_report(trace.folder, trace.folder / "report.html")
    written = everything_in(trace.folder)
    for secret in (CANARY, "pässwörd42", "0451"):
        for form in (secret, json.dumps(secret)[1:-1], secret.replace('"', "&#34;").replace("&3", "&amp;3")):
            assert form.encode() not in written
    assert CANARY not in show(trace.folder) + json.dumps(summary(trace.folder), ensure_ascii=False)
    act = TraceReader.open(trace.folder).steps()[0].last("act")
    assert act is not None
    assert act["text"] == {"secret": True, "len": 10}


def test_secret_of_an_instruction_is_masked_everywhere(tmp_path: Path) -> None:
    task = "type 'hunter2!' into the password field, then press Enter"
    steps = parse(task)
    with TraceWriter.create(tmp_path / "run", task=task, secrets=secrets_of(steps)) as trace:
        trace.event("task", text=task, from_="user")
        for number, step in enumerate(steps):
            trace.event("gate", step=number, decision="allow", source="user", question=f"do {step}?")
            trace.event("act", step=number, **act_fields(step), delivered="sent")
        trace.finish("done")
    assert b"hunter2!" not in everything_in(trace.folder)
    assert TraceReader.open(trace.folder).task == "type '•••' into the password field, then press Enter"


def test_secret_in_a_nested_place_is_refused_rather_than_written(tmp_path: Path) -> None:
    with started(tmp_path / "run") as trace, pytest.raises(ReticleError, match="Secret"):
        trace.event("note", detail=[Secret("swordfish")])
    assert b"swordfish" not in everything_in(trace.folder)


def test_late_secret_is_masked_in_the_task_too(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "run", task="type 'swordfish'") as trace:
        trace.protect("swordfish")
        trace.finish("done")
    assert b"swordfish" not in everything_in(trace.folder)


def test_short_secret_does_not_break_other_words_or_references(tmp_path: Path) -> None:
    with started(tmp_path / "run") as trace:
        trace.protect("a")
        trace.protect("click")
        trace.event("act", step=1, **act_fields(Click("a banana")), delivered="sent")
        trace.event("note", message="a")
    act, note = TraceReader.open(trace.folder).events
    assert (act["kind"], act.object("args")["target"], note["message"]) == ("click", "a banana", "•••")


@pytest.mark.parametrize("secret", ["1", "42", "a!z"])
def test_short_secret_of_an_instruction_is_masked(tmp_path: Path, secret: str) -> None:
    task = f"type '{secret}' into the PIN field, then click step 142"
    with TraceWriter.create(tmp_path / "run", task=task, secrets=[secret]) as trace:
        trace.event("task", text=task, from_="user")
        trace.finish("done")
    assert TraceReader.open(trace.folder).task == "type '•••' into the PIN field, then click step 142"
    assert f"'{secret}'".encode() not in everything_in(trace.folder)


def test_only_the_user_can_read_what_was_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    with started(folder) as trace:
        frame = trace.frame(picture())
        trace.finish("done")
    for part in ("manifest.json", "events.jsonl", "frames", "maps", frame):
        assert (folder / part).stat().st_mode & 0o077 == 0, part


def test_masked_parts_of_a_frame_are_painted_over_and_counted(tmp_path: Path) -> None:
    with started(tmp_path / "run") as trace:
        name = trace.frame(picture(), masks=[Rect(100, 50, 300, 90)])
        trace.finish("done")
    pixels = np.asarray(Image.open(trace.folder / name).convert("RGB"))
    assert np.unique(pixels[50:90, 100:300].reshape(-1, 3), axis=0).tolist() == [[128, 128, 128]]
    np.testing.assert_array_equal(pixels[90:], np.asarray(picture())[90:])
    privacy = TraceReader.open(trace.folder).manifest["privacy"]
    assert isinstance(privacy, dict)
    assert privacy["frames_masked"] == 1


def test_identity_of_user_and_host_is_not_recorded(tmp_path: Path) -> None:
    import getpass
    import platform

    first, second = started(tmp_path / "a"), started(tmp_path / "b")
    assert first.id != second.id
    manifest = json.loads((first.folder / "manifest.json").read_text())
    texts = json.dumps([manifest["id"], manifest["os"], manifest["app"]])
    assert platform.node() not in texts
    assert getpass.getuser() not in texts
    first.close()
    second.close()


def test_concurrent_writers_keep_the_order_continuous(tmp_path: Path) -> None:
    trace = started(tmp_path / "run")
    answers: list[int] = []

    def work(number: int) -> None:
        for count in range(25):
            answers.append(trace.event("note", step=number, count=count))
            trace.frame(picture(count % 3, Size(100, 100)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trace.finish("done")
    assert sorted(answers) == list(range(150))
    reader = TraceReader.open(trace.folder)
    assert [event.seq for event in reader] == list(range(150))
    for step in reader.steps():
        assert [event["count"] for event in step.events] == list(range(25))
    assert len(list((trace.folder / "frames").iterdir())) == 3
    assert verify(trace.folder) == []


def test_torn_last_line_is_reported_and_left_out(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")
    whole = len(TraceReader.open(folder).events)
    with (folder / "events.jsonl").open("ab") as file:
        file.write(b'{"seq": 99, "t": "2026-0')
    reader = TraceReader.open(folder)
    assert len(reader.events) == whole
    assert reader.torn is not None
    assert f"line {whole + 1}" in reader.torn
    assert [str(problem) for problem in verify(folder)] == [f"events.jsonl line {whole + 1}: the last line was cut off"]


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("events.jsonl", lambda data: data.replace(b'"seq":3', b'"seq":"x"', 1), r"events\.jsonl line 4 .*seq"),
        ("events.jsonl", lambda data: data.replace(b"{", b"<", 1), r"events\.jsonl line 1 is damaged"),
        ("events.jsonl", lambda data: data[:200] + b"\xff\x00" + data[202:], r"events\.jsonl line 2"),
        ("events.jsonl", lambda data: b"[" * 100_000 + b"\n" + data, r"events\.jsonl line 1"),
        ("manifest.json", lambda data: data[: len(data) // 2], r"manifest\.json is damaged"),
        (
            "manifest.json",
            lambda data: data.replace(b"trace/1", b"trace/9"),
            r"manifest\.json has the format 'trace/9'",
        ),
        ("manifest.json", lambda data: data.replace(b'"x11"', b'"dos"'), r"manifest\.json .*session"),
        ("manifest.json", lambda data: b"[]", r"manifest\.json is not a valid manifest"),
    ],
)
def test_corrupt_trace_is_refused_naming_file_and_line(
    tmp_path: Path, name: str, change: object, expected: str
) -> None:
    folder = finished(tmp_path / "run")
    path = folder / name
    assert callable(change)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadInput, match=expected):
        TraceReader.open(folder)
    assert any(name in str(problem) for problem in verify(folder))


def test_missing_trace_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(BadInput, match=r"manifest\.json"):
            TraceReader.open(folder)
        with pytest.raises(BadInput, match="no trace in"):
            verify(folder)


def test_verify_finds_changed_missing_and_lost_parts(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")
    changed, *_ = sorted((folder / "frames").iterdir())
    buffer = io.BytesIO()
    picture(9).save(buffer, "PNG")
    changed.write_bytes(buffer.getvalue())
    gone, *_ = sorted((folder / "maps").iterdir())
    gone.unlink()
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events.jsonl").write_bytes(b"".join(lines[:2] + lines[3:]))
    found = [str(problem) for problem in verify(folder)]
    assert any(changed.name in text and "does not match the hash" in text for text in found)
    assert any(f"maps/{gone.name} is missing" in text for text in found)
    assert any(text.startswith("events.jsonl line 3: seq is 3, expected 2") for text in found)


def test_maps_with_pickled_objects_are_never_loaded() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, attention=np.array([[{"a": 1}]], dtype=object))
    with pytest.raises(ValueError, match="not an attention map"):
        read_map(buffer.getvalue())


def test_occupied_or_impossible_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="not empty"):
        started(tmp_path)
    with pytest.raises(BadInput, match="cannot create the trace folder"):
        started(tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == "mine"
    started(tmp_path / "empty").close()


def test_end_is_final(tmp_path: Path) -> None:
    trace = started(tmp_path / "run")
    trace.finish("done")
    trace.finish("failed")
    with pytest.raises(ReticleError, match="finished"):
        trace.event("note", message="late")
    assert TraceReader.open(trace.folder).status == "done"


def test_reserved_fields_cannot_be_forged(tmp_path: Path) -> None:
    with started(tmp_path / "run") as trace, pytest.raises(ReticleError, match="seq"):
        trace.event("note", seq=7)


def test_text_that_utf8_cannot_hold_is_kept_escaped(tmp_path: Path) -> None:
    with started(tmp_path / "run") as trace:
        trace.event("note", message="half \ud83d pair \u2028 line")
    assert TraceReader.open(trace.folder).events[0]["message"] == "half \ud83d pair \u2028 line"


def test_full_disk_is_explained_and_leaves_a_readable_trace(tmp_path: Path) -> None:
    """A file size limit stands for the full disk: the same call fails in the same way."""
    script = """
import resource, sys
from pathlib import Path
from reticle_agent.trace import TraceWriter
from reticle_grounding.errors import ReticleError
trace = TraceWriter.create(Path(sys.argv[1]), task="fill the disk")
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
count = 0
try:
    while True:
        trace.event("note", message="x" * 300)
        count += 1
except ReticleError as error:
    print(count, error)
"""
    folder = tmp_path / "run"
    run = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, timeout=60)
    count, message = run.stdout.split(" ", 1)
    assert "cannot write the trace file" in message
    assert "events.jsonl" in message
    reader = TraceReader.open(folder)
    assert len(reader.events) == int(count) > 5
    assert reader.torn is None


def test_writer_is_a_trace_sink(tmp_path: Path) -> None:
    sink: TraceSink = started(tmp_path / "run")
    assert sink.event("act", step=1, **act_fields(Hotkey(("ctrl", "h"))), delivered="sent") == 0
    sink.finish("done")


def test_screen_takes_less_than_200_kilobytes(tmp_path: Path, realdesk: Path) -> None:
    screens = sorted((realdesk / "images").glob("*.png"))[::8]
    with started(tmp_path / "run") as trace:
        sizes = [(trace.folder / trace.frame(Image.open(path))).stat().st_size for path in screens]
    assert np.median(sizes) < 200_000
