"""Canaries go in at every door of a trace, and none is found in any file of it, whatever it is packed in."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path

import pytest
from agent_fakes.desk import Desk, Person, hurry

from reticle_agent.actions import AskUser, Click, Finish, Step, TypeText
from reticle_agent.loop import run_task
from reticle_agent.safety import Policy
from reticle_agent.seams import Approval, StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceWriter, verify, write_report
from reticle_agent.trace.patterns import PATTERNS, without_patterns
from reticle_agent.trace.redact import RULES, Redactor

CARD, IBAN = "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"
KEY, TOKEN = "sk-proj-" + "aB3" * 10, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIcanaryBASE64\n-----END RSA PRIVATE KEY-----"
PASSWORD = "canary-tr0ub4dor"
CANARIES = (CARD, IBAN, KEY, TOKEN, "MIIcanaryBASE64", PASSWORD)


class Steps:
    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def next(self, task: str, past: tuple[StepOutcome, ...]) -> Step:  # type: ignore[override]
        return self.steps[len(past)] if len(past) < len(self.steps) else Finish(True, f"paid with {CARD}")


def files_with(folder: Path, text: str) -> list[str]:
    """Every file that holds the text: as it is, in JSON's escapes, in UTF-16, or deflated inside it."""
    forms = [text.encode(), json.dumps(text)[1:-1].encode(), text.encode("utf-16-le"), text.replace(" ", "").encode()]
    found = []
    for path in filter(Path.is_file, folder.rglob("*")):
        data = path.read_bytes()
        parts = [data]
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                parts += [archive.read(name) for name in archive.namelist()]
        at = data.find(b"IDAT")
        if at >= 0:
            parts.append(zlib.decompressobj().decompress(data[at + 4 :]))
        if any(form in part for form in forms for part in parts):
            found.append(path.name)
    return found


def test_no_canary_leaves_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    desk = Desk()
    desk.read = {"ok": f"pay {CARD}", "field": f"key {KEY}", "pay": IBAN}
    person = Person(*[Approval("allow", "user")] * 20, answers=[TOKEN])
    task = f"log in with '{PASSWORD}' and {CARD}"
    steps = (
        Click("ok"),
        TypeText(PASSWORD, "field", secret=True),
        TypeText(f"to {IBAN}", "field"),
        TypeText(PEM),
        AskUser(f"is {PASSWORD} right for {TOKEN}?"),
        Click(f"the {PASSWORD} thing"),
    )
    with TraceWriter.create(tmp_path / "run", task=task, secrets=[PASSWORD]) as trace:
        run_task(
            task,
            planner=Steps(*steps),
            screen=desk,
            grounder=desk,
            approver=person,
            actuator=desk,
            trace=trace,
            policy=Policy("confirm"),
            token=StopToken(),
        )
    assert verify(tmp_path / "run") == []
    write_report(tmp_path / "run", tmp_path / "run" / "report.html")
    assert {canary: files_with(tmp_path / "run", canary) for canary in CANARIES} == {c: [] for c in CANARIES}

    receipt = json.loads((tmp_path / "run" / "redactions.json").read_text())
    assert list(receipt["texts"]) == list(RULES)
    assert all(count > 0 for count in receipt["texts"].values()), receipt


def test_the_search_for_canaries_would_find_one(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "run", task="t") as trace:
        trace.event("note", message="a harmless canary-000")
    assert files_with(tmp_path / "run", "canary-000") == ["events.jsonl"]
    with zipfile.ZipFile(tmp_path / "packed.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", "canary-000" * 50)
    assert set(files_with(tmp_path, "canary-000")) == {"packed.npz", "events.jsonl"}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (CARD, "payment card"),
        ("4111111111111111", "payment card"),
        ("4111-1111-1111-1111.", "payment card"),
        ("378282246310005", "payment card"),
        (IBAN, "bank account"),
        ("gb29nwbk60161331926819", "bank account"),
        (KEY, "access key"),
        ("ghp_" + "a1" * 18, "access key"),
        ("AKIAIOSFODNN7EXAMPLE", "access key"),
        (TOKEN, "signed token"),
        (PEM, "private key"),
        ("-----BEGIN PRIVATE KEY-----\nMIIcut off", "private key"),
    ],
)
def test_each_pattern_masks_its_kind(text: str, rule: str) -> None:
    found: list[str] = []
    assert without_patterns(f"see {text} there", "***", found.append).startswith("see ***")
    assert found == [rule]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "call 030 1234567",
        "2026-03-01T12:00:00",
        "version 1.2.3.4.5.6.7.8.9.10.11.12.13",
        "DE89 3704 0044 0532 0130 02",
        "sk-8",
        "Find and Replace...",
        "a" * 64,
        "eyJ is no token",
        "1280x800 at 1920,1080",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert without_patterns(text, "***", lambda name: None) == text


def test_the_receipt_says_how_often_and_never_what(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.add("hunter22")
    assert redactor.text(f"hunter22 {CARD} {CARD}") == "••• ••• •••"
    assert redactor.by_rule == {RULES[1]: 1, "payment cards are masked in every text": 2}
    assert redactor.masked == 1
    assert len(RULES) == 2 + len(PATTERNS)
