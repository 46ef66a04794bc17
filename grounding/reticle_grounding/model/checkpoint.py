"""Model folders in the published layout: opening them strictly and writing them.

A folder holds config.json, safetensors (one file or shards with an index), tokenizer.json, preprocessor_config.json
and, for our own models, reticle.json with the model's name and prompt profile.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import PretrainedConfig
from transformers.initialization import no_init_weights

from reticle_grounding.errors import WHOLE_FOLDER, CheckpointError

from . import prompts, weights
from .families import DEEPSTACK_FIELD, PointerModelModule, build_model, config_from, family_of
from .processor import FILE as PROCESSOR
from .processor import ImageProcessor
from .tokens import FILE as TOKENIZER
from .tokens import PromptTokenizer

SHARD_LIMIT = 14 * 2**20
_OURS = "reticle.json"
_ABOUT = "config.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model folder, opened."""

    name: str
    model: PointerModelModule
    tokenizer: PromptTokenizer
    processor: ImageProcessor
    profile: prompts.PromptProfile


def _json(path: Path) -> dict[str, object]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}; {WHOLE_FOLDER}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise CheckpointError(f"{path} does not hold a JSON object")
    return loaded


@contextmanager
def _uninitialised(dtype: torch.dtype) -> Iterator[None]:
    """Parameters of this type without their random start; ``weights.fill`` then insists on filling every one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with no_init_weights():
            yield
    finally:
        torch.set_default_dtype(before)


def read_config(directory: Path) -> PretrainedConfig:
    """config.json as a transformers config. Raises CheckpointError when it is missing or of an unknown family."""
    if not directory.is_dir():
        raise CheckpointError(f"{directory} is not a model folder")
    try:
        return config_from(_json(directory / _ABOUT))
    except CheckpointError as error:
        said = str(error)
        raise CheckpointError(said if str(directory) in said else f"{directory}: {said}") from error


def load_model(directory: Path, dtype: torch.dtype = torch.float32) -> PointerModelModule:
    """The folder's model in eval mode, every tensor checked. Raises CheckpointError.

    A folder whose ``architectures`` promises no pointer head and that holds none gives the plain backbone.
    """
    config = read_config(directory)
    family = family_of(config.to_dict())
    promised = str((config.architectures or [""])[0]) == family.architecture
    if promised and family.scorer and not hasattr(config, DEEPSTACK_FIELD):
        setattr(config, DEEPSTACK_FIELD, "first")  # published checkpoints saw only that in training
    for part in (config, config.text_config, config.vision_config):
        part.dtype = dtype
    with _uninitialised(dtype):
        model = build_model(config, pointer=promised or weights.has_head(directory))
    tied = bool(config.tie_word_embeddings)
    if tied:
        model.backbone.tie_weights()
    weights.fill(model, directory, tied=tied, nested=family.backbone.nested_names)
    return model.eval()


def load_checkpoint(directory: Path, dtype: torch.dtype = torch.float32) -> Checkpoint:
    """Opens a model folder. Raises CheckpointError naming the file or the tensors that do not fit."""
    model = load_model(directory, dtype)
    about = _json(directory / _OURS) if (directory / _OURS).is_file() else {}
    tokenizer = PromptTokenizer.open(directory, _tokens_of(model))
    processor = ImageProcessor.open(directory)
    _check_agreement(directory, model, tokenizer, processor)
    profile = prompts.profile(str(about.get("prompt", model.family.profile)))
    return Checkpoint(str(about.get("name", directory.resolve().name)), model, tokenizer, processor, profile)


def _tokens_of(model: PointerModelModule) -> tuple[str, ...]:
    """Control tokens a tokenizer must know for this model, beside those of any chat."""
    return (*(prompts.POINTER_TOKENS if model.points else ()), *((prompts.DROPPED,) if model.patch_scorer else ()))


def _check_agreement(
    directory: Path, model: PointerModelModule, tokenizer: PromptTokenizer, processor: ImageProcessor
) -> None:
    """The files of a folder must speak of the same ids and patch sizes."""
    config, vision = model.config, model.config.vision_config
    sizes = [
        ("the patch size", vision.patch_size, processor.patch),
        ("the merge size", vision.spatial_merge_size, processor.merge),
        ("the temporal patch size", vision.temporal_patch_size, processor.frames),
    ]
    ids = [("the image pad's id", config.image_token_id, prompts.IMAGE_PAD)]
    if model.points:
        ids.append(("the pointer token's id", model.pointer_pad_id, prompts.POINTER_PAD))
    if model.patch_scorer is not None:
        ids.append(("the id of the token for dropped patches", model.marker_id, prompts.DROPPED))
    pairs: list[tuple[str, str, object, object]] = [(PROCESSOR, *size) for size in sizes]
    pairs += [(TOKENIZER, what, said, tokenizer.token_id(token)) for what, said, token in ids]
    for file, what, said, other in pairs:
        if said != other:
            told = f"{_ABOUT} says {what} is {said}, {file} says {other}"
            raise CheckpointError(f"{directory}: {told}; take both files from the same model")


def save_checkpoint(
    model: PointerModelModule,
    tokenizer: Tokenizer,
    directory: Path,
    *,
    name: str,
    prompt: str,
    processor: ImageProcessor,
    dtype: torch.dtype = torch.bfloat16,
    shard_limit: int = SHARD_LIMIT,
) -> list[Path]:
    """Writes a folder that ``load_checkpoint`` opens, under the published tensor names.

    Args:
        tokenizer: a ``tokenizers.Tokenizer`` that knows the chat and pointer tokens.
        name: what the model is called in results.
        prompt: name of a prompt profile.
        shard_limit: bytes per safetensors file.

    Returns the weight files written. Raises CheckpointError for tensors that are not finite.
    """
    prompts.profile(prompt)
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("model*.safetensors*"):
        old.unlink()
    files = weights.write(_tensors(model, dtype), directory, shard_limit)
    config = model.config.to_dict() | {"architectures": [model.family.architecture]}
    stored = str(dtype).removeprefix("torch.")
    _write(directory / _ABOUT, config | {"dtype": stored})
    tokenizer.save(str(directory / TOKENIZER))
    _write(directory / "tokenizer_config.json", _tokenizer_config(_tokens_of(model)))
    _write(directory / PROCESSOR, processor.to_config())
    _write(directory / _OURS, {"name": name, "prompt": prompt, "dtype": stored})
    return files


def _tensors(model: PointerModelModule, dtype: torch.dtype) -> dict[str, Tensor]:
    """Published name -> contiguous tensor; a tied output embedding is left out."""
    tied = bool(model.config.tie_word_embeddings)
    out: dict[str, Tensor] = {}
    for module, tensor in model.state_dict().items():
        name = weights.published_name(module, model.family.backbone.nested_names)
        if tied and name == "lm_head.weight":
            continue
        out[name] = tensor.detach().to("cpu", dtype, copy=True).contiguous()
        if not torch.isfinite(out[name]).all():
            raise CheckpointError(f"{name} has NaN or infinite values in {dtype}; nothing was written")
    return out


def _tokenizer_config(control: tuple[str, ...]) -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "additional_special_tokens": list(control),
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|diff_marker|>",
        "pad_token": "<|endoftext|>",
        "padding_side": "right",
    }


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
