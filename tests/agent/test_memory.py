"""The memory of long runs: where topics change, which words are kept, what is found again, and similar runs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from agent_fakes.recorded import recorded

from reticle_agent.memory.examples import Example, examples, hidden, similarities
from reticle_agent.memory.live import RunMemory
from reticle_agent.memory.memory import Memory, truncated
from reticle_agent.memory.segments import LONGEST, segments
from reticle_agent.memory.select import Scorer, asked_for
from reticle_agent.memory.tokens import alike, cost, stem, terms
from reticle_agent.memory.turns import SEEN, Turn, turns_of
from reticle_agent.trace import TraceReader, TraceWriter
from reticle_grounding.errors import BadInput

MAIL = ("Inbox", "Sent", "Drafts", "Reply", "Message from Freya Garcia", "Subject lunch", "Reply to Freya")
SHEET = ("Insert row", "Formula", "Column total", "Sheet budget", "Cell A1 rent", "Cell A2 heating", "Row sums")
MENU = ("File", "Edit", "Help")


def run_of(*screens: tuple[str, ...]) -> list[Turn]:
    return [Turn(i, (*MENU, *screen), f"click {screen[i % len(screen)]}", "done") for i, screen in enumerate(screens)]


def test_a_run_is_cut_where_its_topic_changes() -> None:
    found = segments(run_of(*[MAIL] * 5, *[SHEET] * 6, *[MAIL] * 4))
    assert [(s.first, s.last) for s in found] == [(0, 4), (5, 10), (11, 14)]


def test_one_topic_stays_together_and_long_ones_are_cut() -> None:
    assert len(segments(run_of(*[MAIL] * LONGEST))) == 1
    long = segments(run_of(*[MAIL] * (3 * LONGEST)))
    assert [t.number for s in long for t in s.turns] == list(range(3 * LONGEST))
    assert max(len(s.turns) for s in long) <= LONGEST
    assert segments([]) == []


def test_words_that_stand_on_every_screen_are_left_out_and_values_kept() -> None:
    scorer = Scorer([(*MENU, "Order number A-20931 File"), (*MENU, "Nothing"), (*MENU, "More of it")])
    line = scorer.line("Order number: A-20931 File", {}, 0, 0)
    assert line is not None
    assert "A-20931" in line.text
    assert "File" not in line.text
    chrome = scorer.line("File", {}, 0, 0)
    assert chrome is None or chrome.score < line.score / 3


def test_signs_that_belong_to_a_value_stay_with_it() -> None:
    scorer = Scorer([("Mobile +33 202 120763",), ("a",)])
    line = scorer.line("Mobile +33 202 120763", {}, 0, 0)
    assert line is not None
    assert "+33 202 120763" in line.text
    date = scorer.line("18 May, 10:40", {}, 0, 0)
    assert date is not None
    assert date.text == "18 May, 10:40"


def test_words_compare_across_forms_parts_and_misread_letters() -> None:
    assert stem("invoices") == stem("invoice")
    assert stem("copies") == "copy"
    assert "turku" in terms("plan-turku-9.ods")
    assert alike("lindqvist", "lindqvlst")
    assert not alike("cat", "car")
    assert cost("Save") == 1
    assert cost("internationalisation") == 4


def test_what_was_asked_for_is_found_and_fits_the_budget() -> None:
    turns = run_of(*[MAIL] * 4, *[SHEET] * 5)
    turns[2] = Turn(2, (*MENU, "Order number", "A-20931", "Price 12.30"), "click order", "done")
    for budget in (40, 80, 200):
        found = Memory(turns).recall([("what is the number of the order", 1.0)], budget)
        assert any("A-20931" in line for part in found for line in part.lines), budget
        assert sum(part.cost for part in found) <= budget
    assert Memory(turns).recall([("the order", 1.0)], 0) == []
    assert not any("A-20931" in text for text in truncated(turns, 40))


def test_lines_that_are_known_anyway_are_not_repeated() -> None:
    turns = run_of(*[MAIL] * 4)
    found = Memory(turns).recall([("lunch with Freya", 1.0)], 400, without=("Subject lunch",))
    assert found
    assert not any("lunch" in line for part in found for line in part.lines)


def test_lines_come_in_the_order_of_the_run() -> None:
    turns = [Turn(i, (*MENU, f"Code {i} X-{1000 + i}"), "click", "done") for i in range(8)]
    kept = [line for part in Memory(turns).recall([("code", 1.0)], 400) for line in part.lines]
    assert kept == sorted(kept)
    assert len(kept) == 8


def measured() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "memory.py"
    spec = importlib.util.spec_from_file_location("memory_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_recall_on_generated_runs_beats_truncation_and_each_part_alone() -> None:
    bench = measured()
    runs = [bench.generated(seed, 40) for seed in range(500, 503)]
    share = {name: bench.recall(runs, way, 100)[0] for name, way in bench.WAYS.items()}
    assert share["memory"] >= 0.85
    assert share["memory"] >= share["plain truncation"] + 0.5
    assert share["memory"] >= share["segments, not compressed"] + 0.3
    assert share["memory"] >= share["selection, not segmented"]


# --- while a run goes on, and in traces ---------------------------------------------------------------------------


def test_a_run_recalls_screens_that_are_gone_for_what_the_screen_asks_now() -> None:
    memory = RunMemory(120)
    assert memory.see(0, (*MENU, "Order number", "A-20931"), [])
    assert memory.recall("copy it over", []) == []
    assert memory.see(1, (*MENU, "Inbox", "Weekly report"), ["click order"])
    assert not memory.see(2, (*MENU, "Inbox", "Weekly report"), ["click order", "wait"])
    memory.see(3, (*MENU, "Enter the order number", "Submit"), ["click order", "wait", "click form"])
    kept = [line for part in memory.recall("copy it over", []) for line in part.lines]
    assert any("A-20931" in line for line in kept)
    assert "Submit" not in kept


def test_what_a_planner_read_is_read_back_from_the_trace(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "t", task="read", secrets=["canary-99"]) as trace:
        trace.event("plan", step=0, subgoal="Click", instruction="ok")
        trace.event("note", step=0, about=SEEN, message="2 lines", lines=["Order A-1", "code canary-99"])
        trace.event("plan", step=1, subgoal="Wait")
        trace.finish("done")
    first, second = turns_of(TraceReader.open(tmp_path / "t"))
    assert first.lines == second.lines == ("Order A-1", "code \u2022\u2022\u2022")
    assert first.done == "click ok"


def test_traces_without_read_text_give_turns_without_lines(tmp_path: Path) -> None:
    turns = turns_of(TraceReader.open(recorded(tmp_path / "t")))
    assert [turn.number for turn in turns] == list(range(9))
    assert not any(turn.lines for turn in turns)


def planned(folder: Path, task: str, status: str = "done", delivered: str = "sent") -> None:
    with TraceWriter.create(folder, task=task) as trace:
        call = {"tool": "click", "arguments": {"target": f"thing of {folder.name}"}}
        trace.event("plan", step=0, subgoal="Click", call=call)
        trace.event("act", step=0, kind="click", args={"target": "thing"}, delivered=delivered)
        trace.finish(status)


def test_similar_runs_that_ended_well_are_examples(tmp_path: Path) -> None:
    planned(tmp_path / "a", "print the invoice for Freya")
    planned(tmp_path / "b", "print old invoices of May and June")
    planned(tmp_path / "c", "book a train to Porto")
    planned(tmp_path / "d", "print the invoice for Amir", status="failed")
    planned(tmp_path / "e", "print an invoice", delivered="dry_run")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    found = examples(tmp_path, "print the invoice for Jonas", 3)
    assert [one.task for one in found] == ["print the invoice for Freya", "print old invoices of May and June"]
    assert found[0].steps == ({"tool": "click", "arguments": {"target": "thing of a"}},)
    assert found[0].similarity > found[1].similarity
    assert examples(tmp_path, "print the invoice for Jonas", 1) == found[:1]
    with pytest.raises(BadInput, match="no folder"):
        examples(tmp_path / "nowhere", "print", 1)


def test_similarity_is_one_for_the_same_words_and_none_for_others() -> None:
    same, other = similarities("print the invoice", ["print the invoices", "feed a cat"])
    assert same == pytest.approx(1.0)
    assert other == 0.0


def test_secrets_of_the_present_task_do_not_go_along_in_examples() -> None:
    one = Example("use hunter2", ({"tool": "type_text", "arguments": {"text": "hunter2", "keys": ["hunter2"]}},), 1.0)
    assert "hunter2" not in str(hidden(one, lambda text: text.replace("hunter2", "[secret-1]")))


def test_weights_of_what_is_asked_for() -> None:
    assert asked_for([("the order", 0.5), ("order number", 1.0)]) == {"order": 1.0, "number": 1.0}
