"""What parity tests compare: every comparison is checked at once and remembered, so that a table can be made of it.

Tests call :func:`near` for numbers within a tolerance and :func:`same` for what must be equal. Both remember before
they raise, so that a table shows failures, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass
class Row:
    """All comparisons of one quantity of one case."""

    case: str
    quantity: str
    error: float = 0.0
    """Largest absolute difference; infinite for what cannot be subtracted and is not equal."""
    tolerance: float = 0.0
    """What was allowed; 0 where it must be equal."""
    compared: int = 0

    @property
    def exact(self) -> bool:
        return self.tolerance == 0

    @property
    def held(self) -> bool:
        return self.error <= self.tolerance


SMALL = frozenset({"verifier"})
ROWS: dict[tuple[str, str], Row] = {}


def near(case: str, quantity: str, ours: Any, expected: Any, tolerance: float) -> None:
    """Asserts that numbers of one shape differ by at most ``tolerance``."""
    one, other = _array(ours), _array(expected)
    assert one.shape == other.shape, f"{case} {quantity}: shapes {one.shape} and {other.shape}"
    error = _distance(one, other)
    _remember(case, quantity, error, tolerance)
    assert error <= tolerance, f"{case} {quantity} differs by {error:.1e}, over {tolerance:.0e}"


def same(case: str, quantity: str, ours: Any, expected: Any) -> None:
    """Asserts that two texts, numbers, lists or arrays are equal, shapes included."""
    if isinstance(ours, str):
        error = 0.0 if ours == expected else np.inf
    else:
        one, other = _array(ours), _array(expected)
        error = _distance(one, other) if one.shape == other.shape else np.inf
    _remember(case, quantity, error, 0.0)
    assert error == 0, f"{case} {quantity}: {ours!r} is not {expected!r}"


def _remember(case: str, quantity: str, error: float, tolerance: float) -> None:
    row = ROWS.setdefault((case, quantity), Row(case, quantity))
    row.error, row.tolerance = max(row.error, error), max(row.tolerance, tolerance)
    row.compared += 1


def _array(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values, np.float64)


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Not-a-number, and infinity against anything else, is infinitely far."""
    if not one.size:
        return 0.0
    with np.errstate(invalid="ignore"):
        apart = np.where(one == other, 0.0, np.abs(one - other))
    return float(np.where(np.isnan(apart), np.inf, apart).max())


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


def _lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    made = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in made) + "\n"


def group(case: str) -> str:
    """Model cases stand alone; the many small ones of a folder without a model are told by their kind."""
    return case if case.partition("/")[0] not in SMALL and not case.startswith("pure_") else case.partition(".")[0]


def by_case() -> str:
    """One line per case: how many quantities are equal, and the one within a tolerance that comes nearest to it."""
    lines = []
    for name in dict.fromkeys(group(row.case) for row in ROWS.values()):
        rows = [row for row in ROWS.values() if group(row.case) == name]
        exact, numbers = [r for r in rows if r.exact], [r for r in rows if not r.exact]
        worst = max(numbers, key=lambda r: r.error / r.tolerance, default=None)
        named = "" if worst is None else f"{worst.quantity}: {_number(worst.error)} of {_number(worst.tolerance)}"
        equal = f"{sum(r.held for r in exact)} of {len(exact)}"
        within = f"{sum(r.held for r in numbers)} of {len(numbers)}"
        lines.append([name, str(len({r.case for r in rows})), equal, within, named])
    return _lines(("case", "cases", "equal", "within tolerance", "nearest to its tolerance"), lines)


def by_quantity() -> str:
    """One line per case and quantity."""
    head = ("case", "quantity", "largest error", "allowed", "exact", "")
    rows = sorted(ROWS.values(), key=lambda r: (r.case, r.quantity))
    return _lines(
        head,
        [
            (
                row.case,
                row.quantity,
                _number(row.error),
                _number(row.tolerance),
                "yes" if row.error == 0 else "no",
                "" if row.held else "FAILS",
            )
            for row in rows
        ],
    )


def table() -> str:
    """Both tables, and how much was compared."""
    held = sum(row.held for row in ROWS.values())
    compared = sum(row.compared for row in ROWS.values())
    cases = len({row.case for row in ROWS.values()})
    said = f"{len(ROWS)} quantities of {cases} cases in {compared} comparisons; {held} hold.\n"
    return f"{said}\n{by_case()}\n{by_quantity()}"
