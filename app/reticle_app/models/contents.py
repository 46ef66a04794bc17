"""Which files of a model are kept, and whether together they are a model this program opens.

Only plain data at the top of the folder: safetensors, JSON and texts. Pickled weights can run code when they are
opened, and Python files are code; neither is ever fetched or copied.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from reticle_grounding.errors import BadInput

INDEX, SINGLE, CHANNEL = "model.safetensors.index.json", "model.safetensors", "channel.safetensors"
CONFIG, PROCESSOR = "config.json", "preprocessor_config.json"
NEEDED = (CONFIG, "tokenizer.json", PROCESSOR)
PICKLED = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".npy", ".npz", ".joblib"})
_TEXTS = frozenset({".json", ".txt", ".md", ".jinja"})
_PAPERS = frozenset({"LICENSE", "LICENCE", "NOTICE", "COPYING"})
MAX_JSON = 64 * 2**20
"""Bytes of a config or an index; more is not one."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Names of files at the top of a model folder."""

    weights: tuple[str, ...]
    others: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.others, *self.weights)


def select(where: str, names: Iterable[str], read_json: Callable[[str], dict[str, object]]) -> Selection:
    """The files of a model to keep.

    Args:
        where: what errors call the folder or repository.
        names: all its files, relative, with forward slashes.
        read_json: gives the content of one of them; raises BadInput when it is no JSON object.

    Raises BadInput when there are no safetensors, only pickled weights, or when a needed file is missing.
    """
    every = sorted(names)
    top = [name for name in every if "/" not in name and "\\" not in name and not name.startswith(".")]
    weights = _weights(where, top, every, read_json)
    missing = [name for name in (*NEEDED, *weights) if name not in top]
    if missing:
        raise BadInput(f"{where} lacks {', '.join(missing[:4])}{' and others' if len(missing) > 4 else ''}")
    if CHANNEL in top:
        weights = [*weights, CHANNEL]
    others = [name for name in top if _is_text(name)]
    kept = {*weights, *others}
    return Selection(tuple(weights), tuple(others), tuple(name for name in every if name not in kept))


def _weights(
    where: str, top: Sequence[str], every: Sequence[str], read_json: Callable[[str], dict[str, object]]
) -> list[str]:
    if INDEX in top:
        placed = read_json(INDEX).get("weight_map")
        files = sorted({str(name) for name in placed.values()}) if isinstance(placed, dict) else []
        odd = [name for name in files if PurePosixPath(name).name != name or not name.endswith(".safetensors")]
        if odd or not files:
            raise BadInput(f"{where}: {INDEX} names no safetensors files beside it")
        return files
    if SINGLE in top:
        return [SINGLE]
    pickled = [name for name in every if PurePosixPath(name).suffix.lower() in PICKLED]
    if pickled:
        raise BadInput(
            f"{where} has only pickled weights ({pickled[0]}), which can run code; only safetensors are taken"
        )
    raise BadInput(f"{where} has no weights: neither {SINGLE} nor {INDEX}")


def _is_text(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _TEXTS or name.upper() in _PAPERS


def is_pickled(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICKLED


def parse_json(where: str, name: str, text: bytes) -> dict[str, object]:
    """A JSON object. Raises BadInput naming the file."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{where}: {name} is not valid JSON") from error
    if not isinstance(content, dict):
        raise BadInput(f"{where}: {name} does not hold a JSON object")
    return content


def method_of(where: str, config: dict[str, object]) -> str:
    """How a model with this config.json points, or ``backbone`` for one that does not. Loads the model library.

    Raises BadInput naming what this program does not know.
    """
    from reticle_grounding.model.families import architecture_of, family_of

    try:
        family = family_of(config)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error
    return family.method if architecture_of(config) == family.architecture else "backbone"


def check_processor(where: str, config: dict[str, object], processor: dict[str, object]) -> None:
    """Whether pictures are cut as the model with this config.json wants them, as far as the files say so.

    Raises BadInput naming what differs.
    """
    from reticle_grounding.model.processor import ImageProcessor

    try:
        cut = ImageProcessor.from_config(processor)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{where}: {PROCESSOR} does not describe an image processor: {error}") from error
    vision = config.get("vision_config")
    wanted = vision if isinstance(vision, dict) else {}
    for what, said, other in (
        ("patch size", wanted.get("patch_size", cut.patch), cut.patch),
        ("merge size", wanted.get("spatial_merge_size", cut.merge), cut.merge),
        ("temporal patch size", wanted.get("temporal_patch_size", cut.frames), cut.frames),
    ):
        if said != other:
            told = f"{CONFIG} says the {what} is {said}, {PROCESSOR} says {other}"
            raise BadInput(f"{where}: {told}; take both files from the same model")


def is_tied(config: dict[str, object]) -> bool:
    """Whether the output embedding is the input embedding."""
    text = config.get("text_config")
    nested = text.get("tie_word_embeddings") if isinstance(text, dict) else None
    return bool(config.get("tie_word_embeddings", nested))
