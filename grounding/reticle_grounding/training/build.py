"""The embedded model before its first step: configuration, sizes and initial weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import nn

from reticle_grounding.errors import BadInput
from reticle_grounding.model.families import PointerModelModule, build_model, config_from
from reticle_grounding.model.processor import ImageProcessor

from .spelling import spelled_embeddings

MAX_PIXELS = 1932 * 1092
"""A 1920x1080 screen is seen at full resolution."""


@dataclass(frozen=True, slots=True)
class ModelSize:
    """Widths and depths; patch 14, merge 2 and 112-px windows are those of the published family."""

    vision_width: int = 160
    vision_depth: int = 4
    vision_heads: int = 5
    vision_mlp: int = 448
    full_blocks: tuple[int, ...] = (1, 3)
    width: int = 256
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    mlp: int = 512


TINY = ModelSize(64, 2, 2, 128, (1,), 64, 2, 4, 2, 128)
"""For tests."""


def model_config(size: ModelSize, tokenizer: Tokenizer) -> dict[str, object]:
    """A config.json of the Qwen2.5-VL layout with pointer tokens for this tokenizer."""
    ids = {name: _id(tokenizer, name) for name in _TOKENS}
    half = size.width // size.heads // 2
    section = [half - 2 * (half * 3 // 8), half * 3 // 8, half * 3 // 8]
    text: dict[str, object] = {
        "hidden_size": size.width,
        "intermediate_size": size.mlp,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.kv_heads,
        "vocab_size": int(tokenizer.get_vocab_size()),
        "max_position_embeddings": 8192,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": section},
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": ids["diff_marker"],
        "pad_token_id": ids["endoftext"],
    }
    vision: dict[str, object] = {
        "depth": size.vision_depth,
        "hidden_size": size.vision_width,
        "intermediate_size": size.vision_mlp,
        "num_heads": size.vision_heads,
        "out_hidden_size": size.width,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": list(size.full_blocks),
    }
    return {
        "model_type": "qwen2_5_vl",
        "text_config": text,
        "vision_config": vision,
        "tie_word_embeddings": True,
        "image_token_id": ids["image_pad"],
        "video_token_id": ids["video_pad"],
        "vision_start_token_id": ids["vision_start"],
        "vision_end_token_id": ids["vision_end"],
        "pointer_start_token_id": ids["pointer_start"],
        "pointer_end_token_id": ids["pointer_end"],
        "pointer_pad_token_id": ids["pointer_pad"],
    }


def _id(tokenizer: Tokenizer, name: str) -> int:
    found = tokenizer.token_to_id(f"<|{name}|>")
    if found is None:
        raise BadInput(f"the tokenizer has no token <|{name}|>; train one with 'tokenizer'")
    return int(found)


_TOKENS = (
    "endoftext",
    "vision_start",
    "vision_end",
    "image_pad",
    "video_pad",
    "diff_marker",
    "pointer_start",
    "pointer_end",
    "pointer_pad",
)


def new_model(size: ModelSize, tokenizer: Tokenizer, seed: int) -> PointerModelModule:
    """A model with fresh weights, deterministic by seed."""
    torch.manual_seed(seed)
    model = build_model(config_from(model_config(size, tokenizer)))
    for module in model.backbone.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.7 / math.sqrt(module.in_features))
    embedding = model.backbone.get_input_embeddings()
    embedding.weight.data.copy_(spelled_embeddings(tokenizer, size.width))
    return model


def processor() -> ImageProcessor:
    return ImageProcessor(min_pixels=56 * 56, max_pixels=MAX_PIXELS)
