"""What the models window says of a model, in the language in use; what lists of models hold is English."""

from __future__ import annotations

from collections.abc import Iterable

from reticle_app.models.entries import OWN_NAME, ModelEntry
from reticle_app.models.terms import Terms
from reticle_app.translations import QT_TR_NOOP, tr

OF_LISTS = (
    QT_TR_NOOP("Reticle's own model"), QT_TR_NOOP("verifier"), QT_TR_NOOP("no pointer"),
    QT_TR_NOOP("ships with the program; small, and fast on a processor"), QT_TR_NOOP("named in the settings"),
    QT_TR_NOOP("warm-up stage only"), QT_TR_NOOP("judges places, does not point"),
    QT_TR_NOOP("trained on less data"), QT_TR_NOOP("soft labels"),
)  # fmt: skip
"""Names, methods and notes of ``models.entries`` and ``models.known``, which know nothing of Qt."""


def model_title(entry: ModelEntry) -> str:
    return tr(entry.title) if entry.title == OWN_NAME else entry.title


def parameters_words(entry: ModelEntry) -> str:
    """How many, such as "2.1 billion"."""
    count, _, unit = entry.parameters.partition(" ")
    if unit == "billion":
        return tr("{count} billion").format(count=count)
    return tr("{count} million").format(count=count) if unit == "million" else entry.parameters


def about_words(entry: ModelEntry) -> list[str]:
    """Method, parameters and note, as far as they are known."""
    many = tr("{count} parameters").format(count=parameters_words(entry)) if entry.parameters else ""
    return [part for part in (tr(entry.method), many, tr(entry.note)) if part]


def licence_words(licence: str | None, bases: Iterable[tuple[str, str]]) -> list[str]:
    """The terms, one sentence a line; the same that `reticle models` says in English."""
    terms = Terms(licence or tr("unknown"), tuple(bases))
    said = [tr("Licence: {name}").format(name=terms.licence)]
    made = tr("Made from {base}, whose licence is {licence}")
    said += [made.format(base=base, licence=name) for base, name in terms.bases]
    if not terms.bases:
        said.append(tr("Made from: unknown"))
    if terms.commercial == "no":
        said.append(tr("NOT for commercial use: the terms above forbid it, whatever the model's own card says"))
    elif terms.commercial == "unknown":
        said.append(tr("Whether commercial use is allowed is unknown: read the model's page and licence"))
    return said
