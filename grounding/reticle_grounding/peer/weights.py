"""Model folders with random weights, in the proportions of published models and as small as one likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import nn

from reticle_grounding.errors import BadInput
from reticle_grounding.model.checkpoint import save_checkpoint
from reticle_grounding.model.families import DEEPSTACK_FIELD, PointerModelModule, build_model, config_from
from reticle_grounding.model.processor import ImageProcessor
from reticle_grounding.model.prompts import CHAT_TOKENS, DROPPED, POINTER_TOKENS

Kind: TypeAlias = Literal[
    "gui_actor:qwen2_vl", "gui_actor:qwen2_5_vl", "focusui:qwen2_5_vl", "focusui:qwen3_vl", "gui_aima:qwen2_5_vl"
]
"""Method and backbone."""
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_PIXELS = 5_720_064
"""As published."""
VOCABULARY = 151_670
"""Rows of the published embedding, which shrink with the width."""
_SEED = 11


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of a published backbone."""

    vision_layers: int
    vision_heads: int
    vision_head: int
    vision_mlp: int
    layers: int
    heads: int
    shared: int
    """Key and value heads."""
    mlp: int
    patch: int = 14


PUBLISHED: Mapping[str, Sizes] = {
    "qwen2_vl": Sizes(32, 16, 80, 5120, 28, 12, 2, 8960),
    "qwen2_5_vl": Sizes(32, 16, 80, 3420, 36, 16, 2, 11008),
    "qwen3_vl": Sizes(24, 16, 64, 4096, 28, 16, 8, 6144, patch=16),
}
"""Qwen2-VL-2B, Qwen2.5-VL-3B and Qwen3-VL-2B, whose heads in the decoder are 128 wide."""
HEAD, SMALLEST = 128, 16


def shrunk(full: Sizes, part: int) -> Sizes:
    """Layers, heads and with them every width divided by ``part``; heads keep their width.

    At least one head and three layers are left. Raises BadInput for a part outside 1 to :data:`SMALLEST`.
    """
    if not 1 <= part <= SMALLEST:
        raise BadInput(f"a model can be divided by 1 to {SMALLEST}, not by {part}")
    vision_heads, heads = max(1, full.vision_heads // part), max(1, full.heads // part)
    return Sizes(
        max(3, full.vision_layers // part),
        vision_heads,
        full.vision_head,
        max(8, full.vision_mlp * vision_heads // full.vision_heads),
        max(3, full.layers // part),
        heads,
        max(shared for shared in range(1, max(1, full.shared // part) + 1) if heads % shared == 0),
        max(8, full.mlp * heads // full.heads),
        full.patch,
    )


def byte_tokenizer() -> Tokenizer:
    """One token per byte, then the control tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={char: i for i, char in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>", *CHAT_TOKENS, "<|video_pad|>", *POINTER_TOKENS, DROPPED])
    return tokenizer


def config_of(kind: Kind, part: int, tokenizer: Tokenizer) -> dict[str, object]:
    """The config.json of a kind at 1/``part`` of its published size; most of its vocabulary has no words."""
    method, _, model_type = kind.partition(":")
    sizes = shrunk(PUBLISHED[model_type], part)
    ids = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
        "pointer_start_token_id": "<|pointer_start|>",
        "pointer_end_token_id": "<|pointer_end|>",
        "pointer_pad_token_id": "<|pointer_pad|>",
        "bos_token_id": "<|endoftext|>",
        "eos_token_id": "<|diff_marker|>",
        "pad_token_id": "<|endoftext|>",
    }
    config: dict[str, object] = {
        "model_type": model_type,
        "tie_word_embeddings": True,
        "vision_config": _vision(model_type, sizes),
        **{name: tokenizer.token_to_id(token) for name, token in ids.items()},
    }
    text = _text(model_type, sizes, max(tokenizer.get_vocab_size(), VOCABULARY // part))
    config |= {"text_config": text} if model_type == "qwen3_vl" else text
    if method == "focusui":
        config["image_drop_end_token_id"] = tokenizer.token_to_id(DROPPED)
        config[DEEPSTACK_FIELD] = "first"  # as published
    if method == "gui_aima":
        config |= {"query_topk": 1, "kl_query_weighting": False}
    return config


def _text(model_type: str, sizes: Sizes, vocabulary: int) -> dict[str, object]:
    nested = model_type == "qwen3_vl"
    sections: dict[str, object] = {"mrope_section": [24, 20, 20] if nested else [16, 24, 24]}
    sections |= {"rope_type": "default", "mrope_interleaved": True} if nested else {"type": "mrope"}
    return {
        "hidden_size": sizes.heads * HEAD,
        "intermediate_size": sizes.mlp,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.shared,
        "vocab_size": vocabulary,
        "rope_scaling": sections,
        **({"head_dim": HEAD} if nested else {}),
    }


def _vision(model_type: str, sizes: Sizes) -> dict[str, object]:
    width, out, depth = sizes.vision_heads * sizes.vision_head, sizes.heads * HEAD, sizes.vision_layers
    if model_type == "qwen2_vl":
        return {
            "depth": depth,
            "embed_dim": width,
            "hidden_size": out,
            "mlp_ratio": sizes.vision_mlp // width,
            "num_heads": sizes.vision_heads,
        }
    common: dict[str, object] = {
        "depth": depth,
        "hidden_size": width,
        "intermediate_size": sizes.vision_mlp,
        "num_heads": sizes.vision_heads,
        "out_hidden_size": out,
    }
    if model_type == "qwen2_5_vl":
        # One layer in eight looks at everything, as published; the first of them is the eighth of 32.
        full = list(range(7 * depth // 32, depth, 8))
        return common | {"fullatt_block_indexes": full, "window_size": 112}
    levels = sorted({max(0, depth * level // 24) for level in (5, 11, 17)})
    return common | {"num_position_embeddings": 48**2, "patch_size": sizes.patch, "deepstack_visual_indexes": levels}


def random_model(kind: Kind, part: int) -> PointerModelModule:
    """Reproducible weights that keep activations near 1, so that maps are uneven."""
    torch.manual_seed(_SEED)
    model = build_model(config_from(config_of(kind, part, byte_tokenizer())))
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            embedded = name.endswith(("embed_tokens.weight", "pos_embed.weight"))
            nn.init.normal_(parameter, std=1.0 if embedded else parameter[0].numel() ** -0.5)
    return model.eval()


def write_folder(kind: Kind, part: int, directory: Path) -> Path:
    """A model folder in the published layout, float32. Raises BadInput for an impossible ``part``."""
    method, _, model_type = kind.partition(":")
    patch = PUBLISHED[model_type].patch
    save_checkpoint(
        random_model(kind, part),
        byte_tokenizer(),
        directory,
        name=f"{method} on {model_type}, 1/{part}",
        prompt=model_type,
        processor=ImageProcessor(patch=patch, max_pixels=MAX_PIXELS),
        dtype=torch.float32,
    )
    return directory
