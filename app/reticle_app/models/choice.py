"""From what a person calls a model to the folder it lies in, and in which numbers it can be opened here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from reticle_app.config import Settings
from reticle_grounding.errors import CheckpointError, ReticleError
from reticle_grounding.number_types import NumberType

from .known import known
from .memory import NumberType as HeldType
from .store import NAME, Store
from .verify import at_a_glance


def model_folder(choice: Path | None, store: Store) -> Path | None:
    """The folder to open: a folder that exists, or the kept model of this name or repository. None stays None.

    A path that is neither is returned as it is when it cannot be a name, for the opener to refuse. Raises
    CheckpointError for a name that nothing has, and for a kept model with missing, surplus or resized files.
    """
    if choice is None or choice.is_dir() or choice.is_absolute():
        return choice
    asked = choice.as_posix()
    name = store.named(asked)
    if name is None:
        if "/" in asked and known(asked) is None:
            return choice
        raise CheckpointError(f"{asked} is neither a folder nor a kept model; {_advice(asked, store)}")
    folder = store.folder(name)
    problems = at_a_glance(folder, store.record(name))
    if problems:
        raise CheckpointError(f"the kept model {name} is damaged, {problems[0]}; see `reticle models verify {name}`")
    return folder


def _advice(asked: str, store: Store) -> str:
    entry = known(asked)
    if NAME.fullmatch(asked) and asked in store.unfinished():
        return (
            f"its download was cut short, `reticle models pull {entry.repository if entry else 'OWNER/NAME'}` goes on"
        )
    if entry is not None:
        return f"`reticle models pull {entry.name}` fetches it"
    return "`reticle models list` shows those there are"


def chosen_model(option: Path | None, settings: Settings) -> Path | None:
    """The folder that ``--model`` or else the settings name; None is the embedded model."""
    return model_folder(option or settings.model, Store(settings.models))


def configured_model(settings: Settings) -> Path | None:
    """As :func:`chosen_model` without an option; one that cannot be had stays as it is named, for the opener to refuse.

    So a window still opens, and a check of everything goes on.
    """
    try:
        return chosen_model(None, settings)
    except ReticleError:
        return settings.model


HELD: dict[NumberType, HeldType] = {"fp32": "float32", "bf16": "bfloat16", "int8": "int8"}
"""Number type of the settings -> its name where memory is told."""


def can_open_in(numbers: NumberType) -> bool:
    """Whether what a number type needs is installed. Looks for the library and does not load it."""
    return numbers != "int8" or find_spec("torchao") is not None
