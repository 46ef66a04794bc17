"""The other side: transformers' own classes, used as published inference code uses them.

``generate`` for one token with the hidden states of all layers, then the pointer head on the picture's input embeddings
and the pointer token's last state. FocusUI drops patches in an overridden ``forward`` (:mod:`.dropping`). GUI-AIMA
makes rows of attention again from the inputs of layers. Published classes on Qwen2-VL and Qwen2.5-VL also compute
logits of the whole prompt, which ``lean`` leaves out. Whole attention maps and resizing twice are left out in any case.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import apply_rotary_pos_emb
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from reticle_grounding.model import prompts
from reticle_grounding.model.checkpoint import read_config
from reticle_grounding.model.families import family_of
from reticle_grounding.model.weights import HEAD, SCORER, shard_files
from reticle_grounding.types import FloatMap

from .dropping import dropping, near_the_cut
from .heads import PlainPointerHead, PlainScorer


class PlainModel:
    """A folder of random weights, opened by transformers alone. For one picture and one pointer at a time."""

    def __init__(self, folder: Path, keep: float, lean: bool = False) -> None:
        """``keep`` is the share of the patches that FocusUI keeps; ``lean`` asks for the logits of one token only."""
        config = read_config(folder)
        family = family_of(config.to_dict())
        self.method, self.profile = family.method, prompts.profile(family.profile)
        backbone = family.backbone.model_class.from_pretrained(folder, dtype=torch.float32).eval()
        width = int(config.text_config.hidden_size)
        self.head = _filled(PlainPointerHead(width), folder, HEAD) if family.head else None
        if family.scorer:
            backbone = dropping(backbone, _filled(PlainScorer(width), folder, SCORER), config, keep)
        self.model: Any = backbone
        self.tokenizer: Any = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
        self.processor: Any = Qwen2VLImageProcessorPil.from_pretrained(folder)
        self.pointer_id, self.pointer_start = config.pointer_pad_token_id, config.pointer_start_token_id
        self.image_id = config.image_token_id
        # The published classes on Qwen2-VL and Qwen2.5-VL work out the logits of the whole prompt.
        self.logits = 1 if lean or family.model_type == "qwen3_vl" else 0

    @torch.inference_mode()
    def attend(self, image: Image.Image, words: str) -> FloatMap:
        """[V] attention over the merged patches of an RGB picture; everything from the start."""
        seen = self.processor(images=[image], return_tensors="pt")
        cells = int(seen["image_grid_thw"][0].prod()) // 4
        text = self.profile.prompt(words).text.replace(prompts.IMAGE_PAD, prompts.IMAGE_PAD * cells)
        ids = self._ids(text)
        given = {} if self.method != "focusui" else {"bare_ids": self._ids(words)}
        out = self.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=(ids == self.image_id).int(),
            **seen,
            **given,
            max_new_tokens=1,
            do_sample=False,
            logits_to_keep=self.logits,
            output_hidden_states=True,
            return_dict_in_generate=True,
        )
        hidden = out.hidden_states[0]
        if self.method == "gui_aima":
            return _numpy(self._rows(ids, hidden, seen["image_grid_thw"]))
        assert self.head is not None
        kept = self.model.kept if self.method == "focusui" else torch.ones(cells, dtype=torch.bool)
        reduced = self.model.reduced if self.method == "focusui" else ids[0]
        patches = hidden[0][0, reduced == self.image_id]
        whole = torch.zeros(cells)
        whole[kept] = self.head(hidden[-1][0, reduced == self.pointer_id], patches)[0]
        return _numpy(whole)

    def undecided(self) -> tuple[int, ...]:
        """Patches of the latest picture that rounding may keep or drop."""
        return near_the_cut(self.model.scores, self.model.kept) if self.method == "focusui" else ()

    def _ids(self, text: str) -> Tensor:
        ids: Tensor = self.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
        return ids

    def _rows(self, ids: Tensor, hidden: tuple[Tensor, ...], grid: Tensor) -> Tensor:
        """GUI-AIMA's map [V] from the inputs of all layers, heads weighted by the word nearest to the picture."""
        language = self.model.model.language_model
        pads = (ids[0] == self.image_id).nonzero().flatten()
        start, stop = int(pads[0]), int(pads[-1]) + 1
        words = list(range(stop, int((ids[0] == self.pointer_start).nonzero()[0])))
        asking = torch.tensor([*words, int((ids[0] == self.pointer_id).nonzero()[0])])
        nearness = torch.zeros(len(words))
        for states in hidden[1:]:
            unit = functional.normalize(states[0], dim=-1)
            nearness += (unit[words] @ unit[start:stop].T).sum(-1)
        positions, _ = self.model.model.get_rope_index(ids, (ids == self.image_id).int(), image_grid_thw=grid)
        turns = language.rotary_emb(hidden[0], positions)
        rows = torch.stack(
            [_attention(n, s, turns, asking)[..., start:stop] for n, s in zip(language.layers, hidden, strict=False)]
        )
        mass = rows[:, :, int(nearness.argmax())].sum(-1)
        weights = mass.flatten().softmax(-1).view_as(mass)
        mixed = torch.einsum("lhv,lh->v", rows[:, :, -1], weights)
        return mixed / (mixed.sum() + 1e-8)


def _attention(layer: Any, states: Tensor, turns: tuple[Tensor, Tensor], asking: Tensor) -> Tensor:
    """[H, n, L] of the tokens ``asking`` [n] in one layer, from its input [1, L, d]."""
    attention = layer.self_attn
    normed = layer.input_layernorm(states)
    shape = (1, normed.shape[1], -1, attention.head_dim)
    query = attention.q_proj(normed).view(shape).transpose(1, 2)
    key = attention.k_proj(normed).view(shape).transpose(1, 2)
    query, key = apply_rotary_pos_emb(query, key, *turns)
    key = key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)
    logits = (query[0][:, asking] @ key[0].transpose(-1, -2)) * attention.scaling
    later = torch.arange(normed.shape[1]) > asking[:, None]
    shares: Tensor = logits.masked_fill(later, -torch.inf).softmax(-1)
    return shares


def _filled(module: nn.Module, folder: Path, prefix: str) -> nn.Module:
    tensors = {k: v for file in shard_files(folder) for k, v in load_file(file).items() if k.startswith(prefix)}
    module.load_state_dict({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return module.eval()


def _numpy(attention: Tensor) -> FloatMap:
    out: FloatMap = attention.float().numpy()
    return out
