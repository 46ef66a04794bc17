"""An evaluation as a table for people: one row per set and kind, and what the probabilities are worth below."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .output import say

if TYPE_CHECKING:
    from reticle_grounding.evaluation.results import Alone, Baselines, Evaluation, Rejection

WIDEST = 140
"""Columns; also where the output is no terminal, so that a file holds whole rows."""
OWN = ("set", "kind", "n", "hit@1", "hit@3", "found", "attention", "text+structure")
SEARCH = ("OCR search", "@3", "largest match")


def print_results(results: Mapping[str, Evaluation]) -> None:
    """The table, then the other figures of each set, on stdout."""
    searched = any(r["baselines"] for r in results.values())
    table = Table(box=SIMPLE_HEAD)
    for i, name in enumerate((*OWN, *(SEARCH if searched else ()))):
        table.add_column(name, justify="left" if i < 2 else "right", no_wrap=True)
    for name, result in results.items():
        for row in _rows(name, result):
            table.add_row(*row[: len(table.columns)])
        table.add_section()
    Console(file=sys.stdout, width=WIDEST).print(table)
    for name, result in results.items():
        for line in _lines(name, result):
            say(line)


def _rows(name: str, result: Evaluation) -> list[list[str]]:
    overall = [
        name,
        "all",
        str(result["n"] - result["absent"]),
        _percent(result["accuracy"]),
        _percent(result["hit_at_3"]),
        _percent(result["found_rate"]),
        _percent(result["attention_only_accuracy"]),
        _percent(result["text_only_accuracy"]),
        *_searched(result["baselines"], None),
    ]
    rows = [overall]
    for kind, own in result["by_kind"].items():
        figures = (own["accuracy"], own["hit_at_3"], own["found"], own["attention_only"], own["text_only"])
        rows.append(["", kind, str(own["n"]), *map(_percent, figures), *_searched(result["baselines"], kind)])
    return rows


def _searched(baselines: Baselines | None, kind: str | None) -> list[str]:
    """The baselines' columns of one kind, or of all."""
    if baselines is None:
        return ["", "", ""]
    search, largest = baselines["text_search"], baselines["largest_match"]
    if kind is None:
        return [_percent(search["accuracy"]), _percent(search["hit_at_3"]), _percent(largest["accuracy"])]
    own = search["by_kind"][kind]
    return [_percent(own["accuracy"]), _percent(own["hit_at_3"]), _percent(largest["by_kind"][kind]["accuracy"])]


def _lines(name: str, result: Evaluation) -> list[str]:
    risk, calibration = result["risk"], result["calibration"]
    phases = ", ".join(f"{phase} {ms:.0f}" for phase, ms in result["ms_by_phase"].items() if phase != "total")
    return [
        f"{name}: {result['n']} targets ({result['absent']} absent) on {result['screens']} screens",
        *_published(result),
        *_sized(result),
        f"  found and right {_percent(result['accuracy_found'])} of the present ones",
        "  shipped threshold " + _rejection(result["at_shipped_threshold"]),
        "  95% of the right kept at " + _rejection(result["at_threshold_keeping_95"]),
        *_near(result),
        f"  area under risk-coverage {_number(risk['aurc'])}, calibration error {_number(calibration['ece'])}, "
        f"Brier score {_number(calibration['brier'])}",
        *(
            f"  {alone['goal']:.0%} right: surely {_alone(alone['sure'])}; as seen {_alone(alone['seen'])}"
            for alone in risk["act_alone"]
        ),
        *("  " + line for line in _bins(result)),
        f"  per screen {result['ms_screen_p50']:.0f} ms; per instruction {result['ms_p50']:.0f} ms "
        f"(p90 {result['ms_p90']:.0f}; {phases})",
        f"  reading {result['reading']}, model {result['model']}",
    ]


def _published(result: Evaluation) -> list[str]:
    """Which benchmark it is, what of it was left out, and its score over all items."""
    published = result["published"]
    if published is None:
        return []
    skipped = ", ".join(f"{count} {reason}" for reason, count in published["skipped"].items())
    files = ", ".join(published["files"]) if len(published["files"]) < 4 else f"{len(published['files'])} files"
    score = f"  of all {result['n']} items {_percent(published['always_clicking'])} right when it always clicks"
    refusing = f", {_percent(published['refusing'])} when it refuses below the shipped threshold"
    return [
        f"  benchmark {published['benchmark']}: {published['items']} items in {files}; skipped: {skipped or 'none'}",
        f"  boxes {published['boxes']}",
        score + (refusing if result["absent"] else ""),
    ]


def _sized(result: Evaluation) -> list[str]:
    """The preset and what became of it; nothing without one."""
    sized = result["sized"]
    if sized["preset"] is None:
        return []
    rescaled = f"pictures rescaled to {sized['rescaled_to']:,} pixels, " if sized["rescaled_to"] else ""
    asked, limit = sized["asked_max_pixels"], sized["max_pixels"]
    own = f" (the model takes {limit:,})" if limit is not None and asked is not None and limit < asked else ""
    return [f"  preset {sized['preset']}: {rescaled}at most {asked:,} model pixels{own}; {sized['source']}"]


def _near(result: Evaluation) -> list[str]:
    near = result["near_absent"]
    if near is None:
        return []
    shipped, keeping = near["rejected_at_shipped_threshold"], near["rejected_at_threshold_keeping_95"]
    return [
        f"  apart, {near['n']} absent targets of which one word is on the screen: rejected {_percent(shipped)} at the "
        f"shipped threshold, {_percent(keeping)} at the other"
    ]


def _rejection(found: Rejection) -> str:
    if found["threshold"] is None:
        return "none: nothing is right"
    return (
        f"{found['threshold']:.3f}: keeps {_percent(found['right_kept'])} of the right, rejects "
        f"{_percent(found['absent_rejected'])} of the absent, answers {_percent(found['answered'])}, "
        f"{_percent(found['right_of_answered'])} of them right"
    )


def _alone(found: Alone | None) -> str:
    if found is None:
        return "never"
    return (
        f"from p_true {found['p_true']:.3f} on, {_percent(found['coverage'])} of all targets "
        f"({found['right']:.1%} of {found['answered']} right, at least {found['lower_bound']:.1%})"
    )


def _bins(result: Evaluation) -> list[str]:
    bins = result["calibration"]["bins"]
    if not bins:
        return []
    claimed = "  ".join(f"{b['mean_p']:4.0%}" for b in bins)
    held = "  ".join(f"{b['right']:4.0%}" for b in bins)
    return [f"claimed p_true  {claimed}", f"right           {held}"]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
