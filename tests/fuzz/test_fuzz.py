"""Damaged input of every kind is refused in words: a little of it always, a million inputs in the slow run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz
from mutation import odd_bytes, odd_document
from targets import TARGETS, Target

from reticle_agent.trace.plain import MAX_DEPTH, MAX_DIGITS, read_json

QUICK = {"trace": 600, "planner": 600, "image": 1200, "http": 120, "mcp": 150}
MILLION = int(os.environ.get("RETICLE_FUZZ_INPUTS", "1000000"))
EXTRAS = {"http": "fastapi", "mcp": "mcp"}


def without_crash(name: str, inputs: int, seed: int) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name], reason=f"the extra for {name} is not installed")
    report = fuzz.fuzz(name, inputs, seed)
    assert not report.crashes, "\n".join(report.crashes.values())
    assert report.inputs == inputs


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_damaged_input_is_refused_in_words(name: str) -> None:
    without_crash(name, QUICK[name], 1)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_million_damaged_inputs(name: str) -> None:
    without_crash(name, MILLION // len(TARGETS), 2)


def test_a_crash_is_found_and_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The search itself: what is thrown is counted, its first input is kept and can be made again."""

    class Fragile(Target):
        name = "fragile"

        def feed(self, rng: Random) -> bytes:
            self.last = odd_bytes(rng, b"abcdef")
            if b"f" not in self.last:
                raise ZeroDivisionError("the last letter is gone")
            return self.last

        def close(self) -> None:
            """Nothing is held."""

    monkeypatch.setitem(fuzz.TARGETS, "fragile", Fragile)
    report = fuzz.fuzz("fragile", 300, keep=tmp_path)
    assert report.inputs == 300
    (count,) = report.found.values()
    assert 20 < count < 280
    (said,) = report.crashes.values()
    assert "the last letter is gone" in said
    (kept,) = tmp_path.iterdir()
    number = int(kept.name.removeprefix("fragile-"))
    again = Fragile()
    with pytest.raises(ZeroDivisionError):
        again.feed(Random(f"fragile 0 {number}"))
    assert kept.read_bytes() == again.last


def test_changes_are_the_same_for_the_same_seed() -> None:
    document = {"a": [1, {"b": "text"}], "c": None}
    made = [odd_document(Random(n), document) for n in range(50)]
    assert repr(made) == repr([odd_document(Random(n), document) for n in range(50)])
    assert document == {"a": [1, {"b": "text"}], "c": None}
    assert len({repr(one) for one in made}) > 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "nested deeper"),
        ('{"a": 1e999}', "a number is 1e999"),
        ("[NaN]", "a number is NaN"),
        ("[-Infinity]", "a number is -Infinity"),
        ("1" * (MAX_DIGITS + 1), f"a number has {MAX_DIGITS + 1} digits"),
        (b'{"a": "\xff"}', "can't decode"),
    ],
)
def test_json_that_nothing_could_print_is_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_json(text)


def test_usual_json_is_read_as_it_stands() -> None:
    text = '{"a": [1, -2.5, 1e-300, true, null, "\\u00fc"], "b": ' + "[" * 40 + "]" * 40 + "}"
    value = read_json(text)
    assert value == {"a": [1, -2.5, 1e-300, True, None, "ü"], "b": value["b"]}  # type: ignore[index,call-overload]
    assert read_json(str(10 ** (MAX_DIGITS - 1))) == 10 ** (MAX_DIGITS - 1)
