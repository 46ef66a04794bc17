"""One training step: vision and prefix once per picture, many instructions, dense and pointer losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from reticle_grounding.model.families import PointerModelModule
from reticle_grounding.model.pointer_head import pointer_loss
from reticle_grounding.model.prompts import PROFILES
from reticle_grounding.model.vision_speed import batch_vision_windows, embed_still_pictures

from .crops import CELL, owners, soft_labels
from .feed import Batch
from .heads import TrainingHeads
from .packing import Packer
from .spelling import gram_shares

MAX_NAMED = 512
"""Merged patches per batch whose element's name is asked for."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Factors of the losses."""

    reading: float = 1.0
    pointer: float = 1.0
    naming_query: float = 0.3
    naming_key: float = 0.4
    naming_alone: float = 0.5


class Step(nn.Module):
    """Model and training heads; calling it with a batch gives the loss and what to log."""

    def __init__(self, model: PointerModelModule, tokenizer: Tokenizer, profile: str, weights: Weights) -> None:
        super().__init__()
        self.model, self.weights = model, weights
        vision = model.config.vision_config
        self.heads = TrainingHeads(int(vision.hidden_size), model.hidden_size)

        def encode(text: str) -> list[int]:
            return list(tokenizer.encode(text, add_special_tokens=False).ids)

        self.packer = Packer(model, encode, PROFILES[profile])
        self._unmerged: list[Tensor] = []
        batch_vision_windows(model)
        embed_still_pictures(model)
        model.backbone.model.visual.merger.register_forward_pre_hook(self._keep)

    def _keep(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._unmerged[:] = [inputs[0]]

    def see(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Merged patches [N / 4, d] and raw patches [N, vision width], both in the processor's order."""
        device = next(self.model.parameters()).device
        merged = self.model.vision(batch.pixels.to(device), batch.grid.to(device))
        raw = self._unmerged.pop()
        unit = self.model.merge_size**2
        order = torch.argsort(window_order(batch, self.model)).to(device)
        return merged, raw.view(-1, unit, raw.shape[-1])[order].flatten(0, 1)

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        merged, raw = self.see(batch)
        device = merged.device
        labels = (t.to(device) for t in (batch.characters, batch.icons, batch.roles))
        reading = self.heads.reading(raw, merged, *labels)
        loss, log = self.weights.reading * reading.loss, {"reading": reading.loss.item()}
        log |= {"characters": float(reading.character_accuracy), "icons": float(reading.icon_accuracy)}
        if any(c.targets for c in batch.crops):
            pointed, more = self._point(batch, merged)
            loss, log = loss + pointed, log | more
        if batch.requests:
            asked = self._understand(batch, merged.detach())
            shown = self._shown(batch, self.model.head.keys(merged.view(len(batch.crops), -1, merged.shape[-1])))
            loss = loss + self.weights.naming_alone * asked + self.weights.naming_key * shown
            log |= {"asked": asked.item(), "shown": shown.item()}
        return loss, log | {"loss": loss.item()}

    def _understand(self, batch: Batch, merged: Tensor) -> Tensor:
        """Naming loss of requests that point nowhere, asked of the first picture."""
        model, grid = self.model, (batch.size.height // CELL, batch.size.width // CELL)
        packed = self.packer.pack([[r.instruction for r in batch.requests]], grid, merged.device)
        embeds = model.embed(packed.ids, merged[: grid[0] * grid[1]])
        states = model.decode(embeds, packed.positions, packed.mask)
        projected = model.head.projection_dec(states[0, packed.queries[0]])
        return self.heads.naming(projected, _shares([r.label for r in batch.requests], merged))

    def _point(self, batch: Batch, merged: Tensor) -> tuple[Tensor, dict[str, float]]:
        model, count = self.model, len(batch.crops)
        grid = (batch.size.height // CELL, batch.size.width // CELL)
        packed = self.packer.pack([[t.instruction for t in c.targets] for c in batch.crops], grid, merged.device)
        states = model.decode(model.embed(packed.ids, merged), packed.positions, packed.mask)
        queries = states.gather(1, packed.queries.unsqueeze(-1).expand(-1, -1, states.shape[-1]))
        keys = model.head.keys(merged.view(count, -1, merged.shape[-1]))
        logits = model.head.scores(queries, keys)[packed.present]
        targets = [t for c in batch.crops for t in c.targets]
        labels = torch.stack([torch.from_numpy(soft_labels(t.bbox or (0, 0, 0, 0), batch.size)) for t in targets])
        labels = labels.to(logits.device)
        pointer = pointer_loss(logits, labels)
        projected = model.head.projection_dec(queries[packed.present])
        asked = self.heads.naming(projected, _shares([t.label for t in targets], logits))
        shown = self._shown(batch, keys)
        w = self.weights
        hit = labels.gather(1, logits.argmax(-1, keepdim=True)).gt(0.1).float().mean()
        log = {"pointer": pointer.item(), "asked": asked.item(), "shown": shown.item(), "hit": hit.item()}
        return w.pointer * pointer + w.naming_query * asked + w.naming_key * shown, log

    def _shown(self, batch: Batch, keys: Tensor) -> Tensor:
        """Naming loss of patches that lie on elements."""
        names: list[str] = []
        rows: list[int] = []
        cells = keys.shape[1]
        for b, crop in enumerate(batch.crops):
            owner = owners(crop.elements, batch.size)
            for cell in (owner >= 0).nonzero()[0].tolist():
                rows.append(b * cells + cell)
                names.append(crop.elements[owner[cell]].label)
        if len(rows) > MAX_NAMED:
            chosen = torch.randperm(len(rows))[:MAX_NAMED].tolist()
            rows, names = [rows[i] for i in chosen], [names[i] for i in chosen]
        flat = keys.flatten(0, 1)[torch.tensor(rows, dtype=torch.long, device=keys.device)]
        return self.heads.naming(flat, _shares(names, keys))


def _shares(names: list[str], like: Tensor) -> Tensor:
    return gram_shares(names).to(like.device)


def window_order(batch: Batch, model: PointerModelModule) -> Tensor:
    """Order in which the vision tower holds merged patches: window by window, as in its own code."""
    side = 112 // CELL
    rows, columns = int(batch.grid[0, 1]) // model.merge_size, int(batch.grid[0, 2]) // model.merge_size
    index = torch.arange(rows * columns).view(rows, columns)
    one = torch.cat(
        [index[y : y + side, x : x + side].flatten() for y in range(0, rows, side) for x in range(0, columns, side)]
    )
    return torch.cat([one + b * rows * columns for b in range(len(batch.crops))])
