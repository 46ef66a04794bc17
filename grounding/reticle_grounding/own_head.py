"""A head of one's own: the law that weighs candidates, moved a little towards what a person's runs taught.

The backbone, the matcher and the features stay as they are; a head is a :class:`~.calibration.Calibration` that takes
the place of the shipped one. Its file (JSON) names the model by its fingerprint and the shipped law by its digest, and
holds what was measured on steps that the head was not fitted on. It is made by :mod:`.own_head_fit`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

from .calibration import DATA_FILE, Calibration, Unit
from .errors import BadInput
from .predictor import Grounder
from .risk_curve import calibration_digest
from .sources import PointerSource

FORMAT = "reticle-head-1"
Figures: TypeAlias = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Head:
    """A fitted law and what is known about it."""

    law: Calibration
    model: str
    fingerprint: str
    """Of the model whose evidence it weighs; see :func:`model_of`."""
    base: str
    """Digest of the shipped law it was made from."""
    created: str
    """UTC."""
    measured: Figures
    """Counts on held-out steps: ``steps``, ``right_before``, ``right_after`` and others."""

    @property
    def better(self) -> bool:
        """Whether more held-out steps were answered right with it than without."""
        return _count(self.measured, "right_after") > _count(self.measured, "right_before")

    @property
    def name(self) -> str:
        """Short name, for traces and answers."""
        return f"head-{self.created[:19].replace('-', '').replace(':', '')}"

    def save(self, path: Path) -> Path:
        """Writes the file in one move. Raises BadInput when it cannot be written there."""
        document = {
            "format": FORMAT,
            "model": self.model,
            "fingerprint": self.fingerprint,
            "base": self.base,
            "created": self.created,
            "measured": dict(self.measured),
            "law": {
                "weights": dict(self.law.weights),
                "bias": self.law.bias,
                "threshold": self.law.threshold,
                "hidden": [{"weights": dict(u.weights), "bias": u.bias, "out": u.out} for u in self.law.hidden],
            },
        }
        partial = path.with_name(path.name + ".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            os.replace(partial, path)
        except OSError as error:
            raise BadInput(f"cannot write the head {path}: {error.strerror}") from error
        return path


def load_head(path: Path) -> Head:
    """Raises BadInput naming the file when it is missing, malformed, or holds numbers that are not finite."""
    try:
        raw = cast(dict[str, object], json.loads(path.read_text(encoding="utf-8")))
        if raw["format"] != FORMAT:
            raise BadInput(f"{path} has the format {raw['format']!r}; this version reads {FORMAT!r}")
        law = cast(dict[str, object], raw["law"])
        hidden = tuple(
            Unit(_numbers(unit["weights"]), _number(unit["bias"]), _number(unit["out"]))
            for unit in cast(list[dict[str, object]], law["hidden"])
        )
        calibration = Calibration(_numbers(law["weights"]), _number(law["bias"]), _number(law["threshold"]), {}, hidden)
        measured = dict(cast(dict[str, str | int | float | None], raw["measured"]))
        named = [str(raw[key]) for key in ("model", "fingerprint", "base", "created")]
    except OSError as error:
        raise BadInput(f"cannot read the head {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{path} is no head of `reticle train head` ({_said(error)}); train it again") from error
    return Head(calibration, named[0], named[1], named[2], named[3], measured)


def use_head(grounder: Grounder, head: Head, where: Path | str = "the head") -> Grounder:
    """Lets the head weigh this grounder's candidates; its name says so from now on. Returns the grounder.

    Raises BadInput, naming ``where``, for a head of another model or another shipped law, and for one that was not
    better on held-out steps.
    """
    expected = model_of(grounder)
    if head.fingerprint != expected:
        raise BadInput(
            f"{where} was trained for {head.model} ({head.fingerprint[:12]}), this is {grounder.name} "
            f"({expected[:12]}); train one for this model, or go back to the shipped law with `reticle heads off`"
        )
    if head.base != calibration_digest():
        raise BadInput(
            f"{where} was trained from another version's law ({DATA_FILE.name}); train it again, or go back to the "
            "shipped one with `reticle heads off`"
        )
    if not head.better:
        raise BadInput(f"{where} is not better than the shipped law on held-out steps, so it is not put to use")
    assert isinstance(grounder.source, PointerSource), "a fingerprint is of a pointer model"
    grounder.calibration = head.law
    grounder.source = HeadedSource(grounder.source.model, head.name)
    return grounder


@dataclass(frozen=True, slots=True)
class HeadedSource(PointerSource):
    """A pointer model whose candidates a head weighs. What was measured for its plain name says nothing about it."""

    head: str = ""

    @property
    def name(self) -> str:
        return f"{self.model.name}+{self.head}"


def model_of(grounder: Grounder) -> str:
    """Fingerprint of the model behind a grounder. Raises BadInput when attention is switched off."""
    from .model.history_files import model_fingerprint

    if not isinstance(grounder.source, PointerSource):
        raise BadInput("a head belongs to a pointer model, and this grounder has none")
    return model_fingerprint(grounder.source.model)


def _count(figures: Figures, name: str) -> float:
    value = figures.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no finite number")
    return float(value)


def _numbers(value: object) -> dict[str, float]:
    return {str(name): _number(weight) for name, weight in cast(dict[str, object], value).items()}


def _said(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
