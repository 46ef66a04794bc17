"""In which numbers a model computes and is held: float32, bfloat16, or int8 for the matrices of the language model.

int8 is weight-only with one scale per row (torchao's ``Int8WeightOnlyConfig``, as LLM.int8 without outliers, arXiv
2208.07339 section 2): products are those of float32, or of bfloat16 on a GPU, with weights of 256 levels.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from reticle_grounding.errors import BadInput
from reticle_grounding.number_types import NumberType

from . import weights
from .checkpoint import Checkpoint, load_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable


def open_as(directory: Path, numbers: NumberType | None, device: str) -> Checkpoint:
    """The folder's checkpoint on a device, its matrices in int8 where that is asked.

    None stands for float32 on the processor and bfloat16 elsewhere. Weights that are stored in bfloat16 are never held
    in float32 as a whole on their way to int8.

    Raises CheckpointError as ``load_checkpoint``, BadInput for int8 without torchao.
    """
    quantise = quantiser() if numbers == "int8" else None
    plain = torch.float32 if device == "cpu" else torch.bfloat16
    wanted = {"fp32": torch.float32, "bf16": torch.bfloat16}.get(str(numbers), plain)
    lean = quantise is not None and weights.all_bfloat16(directory)
    checkpoint = load_checkpoint(directory, torch.bfloat16 if lean else wanted)
    if quantise is not None:
        for layer in checkpoint.model.backbone.model.language_model.layers:
            quantise(layer.to(device, wanted))
    checkpoint.model.to(device, wanted)
    for part in (checkpoint.model.config, checkpoint.model.config.text_config, checkpoint.model.config.vision_config):
        part.dtype = wanted
    return checkpoint


def quantiser() -> Callable[[nn.Module], None]:
    """What turns the weights of all linear layers of a module into int8. Raises BadInput without torchao."""
    # On import it warns of each of its GPU libraries that cannot be loaded; none of them is used.
    logging.getLogger("torchao").setLevel(logging.ERROR)
    try:
        from torchao.quantization import Int8WeightOnlyConfig, quantize_
    except ImportError as error:
        raise BadInput(
            "int8 needs the library torchao: install it with `pip install 'reticle[quant]'`, or choose --dtype bf16"
        ) from error
    rule = Int8WeightOnlyConfig()
    return lambda module: quantize_(module, rule)
