"""Options of the model that can be changed while one looks into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reticle_grounding.errors import BadInput

if TYPE_CHECKING:
    from reticle_grounding.options import Reading

READINGS: tuple[Reading, ...] = ("screen", "auto", "crops", "off")


@dataclass(frozen=True, slots=True)
class Tuning:
    """One way to open the model; the default is what runs use."""

    keep_ratio: float | None = None
    """Share of the patches that the language model sees, above 0 and up to 1; for models with a patch scorer."""
    reading: Reading = "screen"
    """What is read on the screen."""

    def header(self) -> dict[str, object]:
        """Plain fields for the channel to the model process."""
        return {"keep_ratio": self.keep_ratio, "reading": self.reading}

    @classmethod
    def from_header(cls, fields: Mapping[str, object]) -> Tuning:
        """Raises BadInput naming the field that is wrong."""
        keep, reading = fields.get("keep_ratio"), fields.get("reading", "screen")
        if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int | float)):
            raise BadInput(f"the keep ratio is {keep!r}, which is no number")
        found = next((one for one in READINGS if one == reading), None)
        if found is None:
            raise BadInput(f"what is read is one of {', '.join(READINGS)}, not {reading!r}")
        return cls(None if keep is None else float(keep), found)


DEFAULT = Tuning()
