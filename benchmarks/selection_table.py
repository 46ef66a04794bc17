"""Sums up the rows of `selection.py` and writes them as one table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median
from typing import Any

Row = dict[str, Any]
MIB = 2**20
EXACT = ("share", "reuse")


def summed(rows: Sequence[Row]) -> dict[str, Any]:
    """By set, one entry for each selection and ratio; times are medians of ratios to ``whole`` on the same screen.

    Screens of which rows are missing are left out.
    """
    return {name: _set([r for r in rows if r["set"] == name]) for name in dict.fromkeys(r["set"] for r in rows)}


def _set(rows: Sequence[Row]) -> dict[str, Any]:
    cases = dict.fromkeys((r["select"], r["keep"]) for r in rows)
    finished = {r["screen"] for r in rows if sum(o["screen"] == r["screen"] for o in rows) == len(cases)}
    rows = [r for r in rows if r["screen"] in finished]
    base = {r["screen"]: r for r in rows if r["select"] == "whole"}
    whole = list(base.values())
    return {
        "screens": len(base),
        "size": whole[0]["size"],
        "targets": sum(len(r["attended"]) for r in whole),
        "whole_encode_s": round(median(r["encode_s"] for r in whole), 3),
        "whole_further_s": round(median(r["further_s"] for r in whole), 4),
        "tower_share": round(mean(r["tower_s"] / r["encode_s"] for r in whole), 3),
        "rows": [_case([r for r in rows if (r["select"], r["keep"]) == case], base) for case in cases],
    }


def _case(rows: Sequence[Row], base: dict[str, Row]) -> Row:
    whole = [base[r["screen"]] for r in rows]
    peaks = [(r["peak_bytes"], w["peak_bytes"]) for r, w in zip(rows, whole, strict=True) if r["peak_bytes"]]
    asked = rows[0]["select"] not in EXACT
    answers, attended = ([hit for r in rows for hit in r[key]] for key in ("answers", "attended"))
    return {
        "select": rows[0]["select"],
        "keep": rows[0]["keep"],
        "kept": round(mean(r["kept"] for r in rows), 3),
        "prefix_tokens": round(mean(r["prefix_tokens"] for r in rows)),
        "encode": round(median(r["encode_s"] / w["encode_s"] for r, w in zip(rows, whole, strict=True)), 3),
        "further": round(median(r["further_s"] / w["further_s"] for r, w in zip(rows, whole, strict=True)), 3),
        "peak_mib": round(peaks[0][0] / MIB, 1) if peaks else None,
        "peak": round(peaks[0][0] / peaks[0][1], 3) if peaks else None,
        "accuracy": round(mean(answers), 4) if asked and answers else None,
        "attention_accuracy": round(mean(attended), 4) if asked else None,
    }


def markdown(result: dict[str, Any]) -> str:
    """One table per set."""
    return "\n".join(_table(name, found) for name, found in result.items())


def _table(name: str, found: dict[str, Any]) -> str:
    width, height = found["size"]
    head = (
        f"### {name}: {found['targets']} targets on {found['screens']} screens of {width}x{height}\n\n"
        f"The whole computation: {found['whole_encode_s']} processor seconds for a new screenshot, "
        f"{1000 * found['whole_further_s']:.1f} ms for each instruction; the vision tower is "
        f"{found['tower_share']:.0%} of the first.\n\n"
        "| selection | keep | kept | new screenshot | instruction | peak memory | hit@1 | attention alone |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(_line(row) for row in found["rows"])


def _line(row: Row) -> str:
    def share(value: float | None) -> str:
        return "as whole" if value is None else f"{value:.1%}"

    peak = "–" if row["peak"] is None else f"{row['peak']:.2f} ({row['peak_mib']:.0f} MiB)"
    whole = share(row["accuracy"])
    if row["accuracy"] is None and row["attention_accuracy"] is not None:
        whole = "–"
    cells = [row["select"], f"{row['keep']:g}", f"{row['kept']:.0%}", f"{row['encode']:.2f}", f"{row['further']:.2f}"]
    return f"| {' | '.join([*cells, peak, whole, share(row['attention_accuracy'])])} |\n"
