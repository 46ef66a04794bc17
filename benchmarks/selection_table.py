"""Sums up the rows of `selection.py` and writes them as tables: one for each set, and one of all sets together."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median
from typing import Any

Row = dict[str, Any]
MIB = 2**20
EXACT = ("share", "reuse")


def summed(rows: Sequence[Row]) -> dict[str, Any]:
    """By set, one entry for each selection and ratio; times are medians of ratios to ``whole`` on the same screen.

    Each stands on the screens it was measured on, of which a run that was stopped has more for some than for others.
    """
    return {name: _entries([r for r in rows if r["set"] == name]) for name in _sets(rows)}


def together(rows: Sequence[Row]) -> dict[str, Any]:
    """As one of :func:`summed`, over the screens of all sets, with what attention hit in each set."""
    rows = [r | {"screen": (r["set"], r["screen"])} for r in rows]
    found = _entries(rows)
    found["sets"] = {}
    for name in _sets(rows):
        own = [r for r in rows if r["set"] == name]
        base = _base(own)
        hits = [_hits([r for r in own if _is(r, entry)], base) for entry in found["rows"]]
        targets = sum(len(r["attended"]) for r in base.values())
        found["sets"][name] = {"screens": len(base), "targets": targets, "hits": hits}
    return found


def _sets(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(r["set"] for r in rows))


def _base(rows: Sequence[Row]) -> dict[Any, Row]:
    return {r["screen"]: r for r in rows if r["select"] == "whole"}


def _is(row: Row, other: Row) -> bool:
    return bool((row["select"], row["keep"]) == (other["select"], other["keep"]))


def _entries(rows: Sequence[Row]) -> dict[str, Any]:
    base = _base(rows)
    whole = list(base.values())
    cases = {(r["select"], r["keep"]): r for r in rows}
    return {
        "screens": len(base),
        "size": whole[0]["size"],
        "targets": sum(len(r["attended"]) for r in whole),
        "whole_encode_s": round(median(r["encode_s"] for r in whole), 3),
        "whole_further_s": round(median(r["further_s"] for r in whole), 4),
        "tower_share": round(mean(r["tower_s"] / r["encode_s"] for r in whole), 3),
        "rows": [_case([r for r in rows if _is(r, case)], base) for case in cases.values()],
    }


def _case(rows: Sequence[Row], base: dict[Any, Row]) -> Row:
    pairs = [(r, base[r["screen"]]) for r in rows]
    peaks = [(r["peak_bytes"], w["peak_bytes"]) for r, w in pairs if r["peak_bytes"]]
    asked = rows[0]["select"] not in EXACT
    answers, attended = ([hit for r in rows for hit in r[key]] for key in ("answers", "attended"))
    return {
        "select": rows[0]["select"],
        "keep": rows[0]["keep"],
        "screens": len(rows),
        "kept": round(mean(r["kept"] for r in rows), 3),
        "prefix_tokens": round(mean(r["prefix_tokens"] for r in rows)),
        "encode": round(median(r["encode_s"] / w["encode_s"] for r, w in pairs), 3),
        "further": round(median(r["further_s"] / w["further_s"] for r, w in pairs), 3),
        "first": round(median(_first(r) / _first(w) for r, w in pairs), 3),
        "peak_mib": round(mean(p for p, _ in peaks) / MIB, 1) if peaks else None,
        "peak": round(mean(p / w for p, w in peaks), 3) if peaks else None,
        "accuracy": round(mean(answers), 4) if asked and answers else None,
        "attention_accuracy": round(mean(attended), 4) if asked else None,
    }


def _first(row: Row) -> float:
    """Processor seconds from a new screenshot to the first answer."""
    return float(row["encode_s"] + row["further_s"])


def _hits(rows: Sequence[Row], base: dict[Any, Row]) -> Row:
    """The share that attention hits, and targets lost and won against ``whole``; no share where not all were asked."""
    if not rows or rows[0]["select"] in EXACT:
        return {"screens": len(rows), "share": None}
    pairs = [p for r in rows for p in zip(r["attended"], base[r["screen"]]["attended"], strict=True)]
    lost, won = sum(w and not h for h, w in pairs), sum(h and not w for h, w in pairs)
    return {"screens": len(rows), "share": round(mean(h for h, _ in pairs), 4), "lost": lost, "won": won}


def markdown(result: dict[str, Any]) -> str:
    """One table per set."""
    return "\n".join(_table(name, found) for name, found in result.items())


def markdown_together(found: dict[str, Any]) -> str:
    """The one table of :func:`together`."""
    sets = found["sets"]
    named = ", ".join(f"{name} {s['targets']} targets on {s['screens']} screens" for name, s in sets.items())
    columns = " | ".join(sets)
    rule = "|---" * (8 + len(sets)) + "|\n"
    lines = []
    for row, *hits in zip(found["rows"], *(s["hits"] for s in sets.values()), strict=True):
        screens = "+".join(str(hit["screens"]) for hit in hits)
        lines.append([*_times(row), f"{row['first']:.2f}", _peak(row), screens, *map(_hit, hits)])
    return (
        f"### All together: {named}\n\n"
        f"{_whole(found)}\n\n"
        "| selection | keep | kept | new screenshot | instruction | first answer | peak memory | screens | "
        f"{columns} |\n"
        f"{rule}" + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    )


def _table(name: str, found: dict[str, Any]) -> str:
    width, height = found["size"]
    head = (
        f"### {name}: {found['targets']} targets on {found['screens']} screens of {width}x{height}\n\n"
        f"{_whole(found)}\n\n"
        "| selection | keep | kept | new screenshot | instruction | peak memory | screens | hit@1 | attention alone |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(_line(row) for row in found["rows"])


def _whole(found: dict[str, Any]) -> str:
    return (
        f"The whole computation: {found['whole_encode_s']} processor seconds for a new screenshot, "
        f"{1000 * found['whole_further_s']:.1f} ms for each instruction; the vision tower is "
        f"{found['tower_share']:.0%} of the first."
    )


def _line(row: Row) -> str:
    def share(value: float | None) -> str:
        return "as whole" if value is None else f"{value:.1%}"

    whole = share(row["accuracy"])
    if row["accuracy"] is None and row["attention_accuracy"] is not None:
        whole = "–"
    cells = [*_times(row), _peak(row), str(row["screens"]), whole, share(row["attention_accuracy"])]
    return f"| {' | '.join(cells)} |\n"


def _times(row: Row) -> list[str]:
    shares = [f"{row['kept']:.0%}", f"{row['encode']:.2f}", f"{row['further']:.2f}"]
    return [row["select"], f"{row['keep']:g}", *shares]


def _peak(row: Row) -> str:
    return "–" if row["peak"] is None else f"{row['peak']:.2f} ({row['peak_mib']:.0f} MiB)"


def _hit(found: Row) -> str:
    """Such as "71.2% (-3 +1)": three targets that the whole picture hits are lost, another one is won."""
    if found["share"] is None:
        return "as whole" if found["screens"] else "–"
    changed = f" (-{found['lost']} +{found['won']})" if found["lost"] or found["won"] else ""
    return f"{found['share']:.1%}{changed}"
