"""Opening a folder as a model that writes: a plain vision-language model with its language model head."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.model import weights
from reticle_grounding.model.checkpoint import read_config
from reticle_grounding.model.families import FAMILIES, family_of
from reticle_grounding.model.numbers import open_as
from reticle_grounding.model.processor import ImageProcessor
from reticle_grounding.model.tokens import FILE as TOKENIZER
from reticle_grounding.model.tokens import PromptTokenizer
from reticle_grounding.number_types import NumberType

from .vocabulary import Vocabulary
from .writer import LocalWriter

if TYPE_CHECKING:
    from transformers import PretrainedConfig

PIXELS = 1280 * 28 * 28
"""Model pixels of one screenshot where nothing else is said: at most 1280 patches of Qwen2-VL and Qwen2.5-VL."""
LM_HEAD = "backbone.lm_head.weight"


def check_folder(directory: Path) -> None:
    """Looks at config, names of tensors, tokenizer and processor, and loads no tensor.

    Raises CheckpointError for what is no such folder, for a checkpoint that points or judges patches instead of
    writing, and for one without a language model head.
    """
    config = read_config(directory)
    family = family_of(config.to_dict())
    wanted = ", ".join(sorted({f.backbone.model_class.__name__ for f in FAMILIES}))
    with ExitStack() as stack:
        names = set(weights.TensorFiles(directory, stack))
    named = (config.architectures or [""])[0]
    if named == family.architecture or any(name.startswith((weights.HEAD, weights.SCORER)) for name in names):
        raise CheckpointError(
            f"{directory} is a checkpoint that points ({named or family.architecture}); it was not trained to write "
            f"steps. A planner is a plain vision-language model: {wanted}"
        )
    if LM_HEAD not in names and not _tied(config):
        raise CheckpointError(
            f"{directory} has no lm_head.weight, and its config.json does not tie it to the embeddings: a model "
            "without a language model head cannot write"
        )
    ImageProcessor.open(directory)
    PromptTokenizer.open(directory)


def check_device(device: str) -> None:
    """Raises BadInput for a device that this machine does not have."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise BadInput(f"there is no {device} here: no graphics card of that kind, or a torch without support for it")


def _tied(config: PretrainedConfig) -> bool:
    return bool(config.tie_word_embeddings)


def _vocabulary(directory: Path) -> Vocabulary:
    from tokenizers import Tokenizer

    try:
        return Vocabulary.of(Tokenizer.from_file(str(directory / TOKENIZER)))
    except CheckpointError as error:
        raise CheckpointError(f"{directory / TOKENIZER}: {error}") from error


def open_writer(
    directory: Path, *, numbers: NumberType | None = None, device: str = "cpu", max_pixels: int | None = PIXELS
) -> LocalWriter:
    """The folder's model, every tensor checked by name, shape and value.

    Args:
        numbers: what it computes in; None takes float32 on the CPU, bfloat16 elsewhere.
        max_pixels: lowers the checkpoint's own limit of model pixels of one screenshot.

    Raises CheckpointError as :func:`check_folder`, for a tokenizer that is not byte-level, and naming the tensors that
    are missing, unexpected, of another shape or not finite.
    Raises BadInput for an impossible ``max_pixels``, a device that is not there, and for int8 without the library it
    needs.
    """
    check_device(device)
    check_folder(directory)
    vocabulary = _vocabulary(directory)
    return LocalWriter(open_as(directory, numbers, device), vocabulary, max_pixels)
