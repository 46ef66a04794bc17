"""What a model may be used for, as far as its card, its bases and the table of known models say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .known import base_named, base_shaped, known

Commercial: TypeAlias = Literal["yes", "no", "unknown"]
UNKNOWN = "unknown"
PERMISSIVE = frozenset(
    {"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc0-1.0", "unlicense", "isc"}
)
_FORBIDDING = ("-nc", "noncommercial", "non-commercial", "research")
"""Parts of licence names that do not allow commercial use."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Licences that bind whoever uses a model."""

    licence: str
    """Of the model itself; ``unknown`` when neither card nor table says."""
    bases: tuple[tuple[str, str], ...]
    """(repository, licence) of the models it was made from."""

    @property
    def commercial(self) -> Commercial:
        """Whether commercial use is allowed; ``yes`` only when the model and all that it was made from say so."""
        names = [self.licence, *(licence for _, licence in self.bases)]
        if any(part in name.lower() for name in names for part in _FORBIDDING):
            return "no"
        return "yes" if self.bases and all(name.lower() in PERMISSIVE for name in names) else "unknown"

    @property
    def needs_yes(self) -> bool:
        return self.commercial != "yes"

    def lines(self) -> list[str]:
        """The same in words, one sentence a line."""
        said = [f"licence: {self.licence}"]
        said += [f"made from {base}, whose licence is {licence}" for base, licence in self.bases]
        if not self.bases:
            said.append("made from: unknown")
        if self.commercial == "no":
            said.append("NOT for commercial use: the terms above forbid it, whatever the model's own card says")
        elif self.commercial == "unknown":
            said.append("whether commercial use is allowed is unknown: read the model's page and licence")
        return said

    def as_dict(self) -> dict[str, object]:
        return {
            "licence": self.licence,
            "bases": [{"repository": base, "licence": licence} for base, licence in self.bases],
            "commercial_use": self.commercial,
        }


def terms_of(
    repository: str | None, card_licence: str | None, card_bases: Iterable[str], config: dict[str, object]
) -> Terms:
    """The terms of a model.

    Args:
        repository: where it is published, if that is known.
        card_licence: what its card says, if there is one.
        card_bases: the models its card says it was made from.
        config: its config.json, whose sizes betray the base.
    """
    entry = known(repository) if repository else None
    names = [*([entry.base] if entry else []), *card_bases]
    shaped = base_shaped(config)
    if shaped is not None:
        names.append(shaped.repository)
    bases = {}
    for name in dict.fromkeys(names):
        found = base_named(name)
        bases[name] = (found.licence if found else None) or UNKNOWN
    return Terms(card_licence or (entry.licence if entry else None) or UNKNOWN, tuple(bases.items()))
