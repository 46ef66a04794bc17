"""The patch scorer of FocusUI (arXiv 2601.03928, section 3.2): how much each patch has to do with an instruction.

Either side runs through an enhancer of its own; the score is the mean cosine between a patch and the words. The vision
side does not depend on the words, so it is computed once per screenshot.

Published checkpoints hold it among their tensors. A checkpoint of another family may have one beside it, in a file of
its own (:func:`load_scorer`).
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from reticle_grounding.errors import CheckpointError

from .pointer_head import DROPOUT, HEADS, INIT_STD, PatchSelfAttention

FILE = "scorer.safetensors"


class Enhancer(nn.Module):
    """Self-attention with a residual, then an MLP without one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = PatchSelfAttention(width, HEADS, DROPOUT)
        self.layer_norm = nn.LayerNorm(width, eps=1e-5)
        self.dropout = nn.Dropout(DROPOUT)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, rows: Tensor) -> Tensor:
        """[N, d] -> unit vectors [N, d] in at least float32."""
        enhanced: Tensor = self.mlp(self.layer_norm(rows + self.dropout(self.attn(rows))))
        wide = torch.promote_types(enhanced.dtype, torch.float32)
        return functional.normalize(enhanced.to(wide).tanh(), dim=-1)


class PatchScorer(nn.Module):
    """Scores merged patches for an instruction, -1..1.

    Args:
        width: hidden size ``d`` of the language model; must be divisible by 8.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        if width % HEADS:
            raise ValueError(f"the patch scorer needs a width divisible by {HEADS}, not {width}")
        self.vision_enhancer = Enhancer(width)
        self.text_enhancer = Enhancer(width)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Linears N(0, 0.02) with zero bias, stacked projections Xavier-uniform."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=INIT_STD)
                nn.init.zeros_(module.bias)
            elif isinstance(module, PatchSelfAttention):
                nn.init.xavier_uniform_(module.in_proj_weight)
                nn.init.zeros_(module.in_proj_bias)

    def patches(self, visual: Tensor) -> Tensor:
        """Merged vision embeddings [V, d] -> unit vectors [V, d]; independent of the instruction."""
        out: Tensor = self.vision_enhancer(visual)
        return out

    def words(self, embeds: Tensor) -> Tensor:
        """Input embeddings of the bare instruction [T, d] -> unit vectors [T, d]."""
        out: Tensor = self.text_enhancer(embeds)
        return out

    def scores(self, patches: Tensor, words: Tensor) -> Tensor:
        """Mean over the words of the cosines: [V]. Takes the outputs of :meth:`patches` and :meth:`words`."""
        return patches @ words.mean(0)

    def forward(self, visual: Tensor, embeds: Tensor) -> Tensor:
        """Scores [V] of merged vision embeddings [V, d] for the words' embeddings [T, d]."""
        return self.scores(self.patches(visual), self.words(embeds))


def scorer_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """KL of the softmax of ``scores`` [V] from the softmax of ``labels`` [V] in -1..1 (FocusUI, section 3.2)."""
    target = labels.to(scores.dtype).softmax(-1).clamp_min(1e-12)
    return functional.kl_div(scores.log_softmax(-1), target, reduction="sum")


def load_scorer(directory: Path, width: int) -> PatchScorer | None:
    """The scorer that lies beside a checkpoint, or None. Raises CheckpointError naming what does not fit."""
    path = directory / FILE
    if not path.is_file():
        return None
    scorer = PatchScorer(width)
    try:
        scorer.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not fit this model: {' '.join(str(error).split())[:300]}") from error
    return scorer.eval()


def save_scorer(scorer: PatchScorer, directory: Path) -> Path:
    """Writes the file that :func:`load_scorer` opens, in bfloat16."""
    path = directory / FILE
    save_file({k: v.detach().to("cpu", torch.bfloat16).contiguous() for k, v in scorer.state_dict().items()}, path)
    return path
