"""A named control on one of N screenshots: does the embedded model's pointer find it under each attention pattern?

    python benchmarks/needles_model.py [--frames 2,6] [--seeds 1]

Every screenshot is a drawn window with nine labelled buttons; all labels differ. What is written where is told to the
reading channel as OCR would tell it. All screenshots stand in one prompt, in the format that the model knows from one.
Prints one JSON line per pattern, number of screenshots, place of the needle and seed: ``share`` is the pointer's share
on the button, ``frame_share`` that on its screenshot, ``found`` whether the pointer's peak lies on the button,
``from_dense`` half the sum of differences from the pointer under dense attention, ``density`` that of the last layer.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.geometry import Rect, Space
from reticle_grounding.looks import worth_a_look
from reticle_grounding.matcher.matcher import open_matcher
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.screens import View
from reticle_grounding.ocr import TextBox, Word
from reticle_grounding.proposals import find_elements
from reticle_grounding.reading import reading_of
from reticle_kernels.attention import estimate
from reticle_kernels.attention.boundaries import QBoundary, SamePatch
from reticle_kernels.attention.coverage import SparsePattern, compile_plan
from reticle_kernels.attention.shapes import Triangle, causal
from reticle_kernels.attention.sparse import sparse_attention

NAME = "reticle_needles"
WIDTH, HEIGHT = 448, 308
FIRST = ("Save", "Open", "Print", "Close", "Export", "Import", "Delete", "Rename", "Share", "Archive", "Merge", "Copy")
SECOND = ("report", "picture", "folder", "account", "message", "invoice", "calendar", "playlist", "contact")
Find = Callable[[Tensor, Tensor], SparsePattern]


def window(labels: list[str]) -> tuple[Image.Image, list[TextBox], list[Rect]]:
    """The picture, its texts and its buttons."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "#ececec")
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype("DejaVuSans.ttf", 14)
    texts, buttons = [], []
    for number, label in enumerate(labels):
        left, top = 12 + number % 3 * 144, 24 + number // 3 * 94
        buttons.append(Rect(left, top, left + 132, top + 40))
        draw.rounded_rectangle(buttons[-1].as_tuple(), 4, fill="#fafafa", outline="#808080")
        at = draw.textbbox((left + 66, top + 20), label, font=font, anchor="mm")
        draw.text((left + 66, top + 20), label, fill="#202020", font=font, anchor="mm")
        rect = Rect(*at)
        texts.append(TextBox(label, rect, 1.0, (Word(label, rect),)))
    return image, texts, buttons


class Trace:
    """The model over a prompt of several screenshots."""

    def __init__(self) -> None:
        folder = embedded_model_dir()
        self.model, self.matcher = PointerModel.open(folder), open_matcher(folder)
        self.find: Find | None = None
        self.density = 0.0
        AttentionInterface.register(NAME, self._attention)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        self.model.module.backbone.model.language_model.config._attn_implementation_internal = NAME

    def _attention(self, module: object, q: Tensor, k: Tensor, v: Tensor, mask: object, **options: object) -> object:
        assert self.find is not None
        heads = q.shape[1]
        plan = compile_plan([(self.find(q[0], k[0]), range(heads))], heads, q.shape[2], k.shape[2])
        self.density = plan.density()
        out = sparse_attention(q, k, v, plan, scale=float(options["scaling"]), mode="sparse")  # type: ignore[arg-type]
        return out.transpose(1, 2), None

    @torch.inference_mode()
    def view(self, image: Image.Image, texts: list[TextBox]) -> View:
        pixels = np.asarray(image)
        elements = find_elements(pixels, texts)
        looks = worth_a_look(elements)
        said, seen = self.matcher.say([t.text for t in texts]), self.matcher.see(pixels, looks)
        return self.model.runner.view(image, self.model.processor, {}, reading_of(elements, texts, said, looks, seen))

    def prompt(self, views: list[View], words: str) -> tuple[list[int], list[int]]:
        """Ids, and where each screenshot's patches start."""
        runner, ids, starts = self.model.runner, [], []
        opening = runner.profile.opening
        picture = opening[opening.index("<|vision_start|>") :]
        for number, view in enumerate(views):
            text = opening if not number else runner.profile.picture_end + picture
            ids += runner.tokenizer.before(text, view.sight.merged.shape[0])
            starts.append(len(ids) - view.sight.merged.shape[0])
        return ids + runner.question(words), starts

    @torch.inference_mode()
    def point(self, views: list[View], ids: list[int], words: str, find: Find) -> list[Tensor]:
        """The pointer's shares over the patches of each screenshot; all sum to 1."""
        self.find = find
        module, channel = self.model.module, self.model.channel
        merged = torch.cat([view.sight.merged for view in views])
        row = torch.tensor([ids])
        embeds = module.embed(row, merged)
        if channel is not None:
            asked = channel.asked(torch.from_numpy(self.matcher.say([words])).float())
            embeds = embeds + (row == module.pointer_pad_id)[..., None] * asked
        states = module.decode(embeds, module.positions(row, torch.cat([view.grid for view in views])))
        scores = module.head.scores(module.pointer_queries(row, states), module.head.keys(merged))
        return list(scores[0].softmax(-1).split([view.sight.merged.shape[0] for view in views]))


def patterns(ids: list[int], starts: list[int], patches: int, image_token: int) -> dict[str, Find]:
    """Sizes in proportion to screenshots of some 176 tokens."""
    keys = len(ids)
    frames = SamePatch(torch.tensor(starts), torch.full((len(starts),), patches), 1, None, 16, 32, keys - 32)
    modality = (torch.tensor(ids) == image_token).long()

    def slash(q: Tensor, k: Tensor, kind: int | None = None) -> SparsePattern:
        rows = None if kind is None else estimate.last_rows(modality, kind, q.shape[1])
        return estimate.vertical_slash(q, k, 96, 64, rows, recent=64)

    return {
        "dense": lambda q, k: causal(),
        "A-shape 16 + 64": lambda q, k: Triangle(16, 64),
        "triangle 16 + 64, last 32": lambda q, k: Triangle(16, 64, keys - 32),
        "vertical-slash 96 + 64": slash,
        "block-sparse 3": lambda q, k: estimate.block_sparse(q, k, 3),
        "same patch r=1, last 32": lambda q, k: frames,
        "Q-boundary, vertical-slash": lambda q, k: QBoundary(modality, [slash(q, k, 0), slash(q, k, 1)]),
    }


def lines(trace: Trace, frames: int, place: int, seed: int) -> Iterator[dict[str, object]]:
    draw = random.Random(1000 * seed + 10 * frames + place)
    labels = draw.sample([f"{a} {b}" for a in FIRST for b in SECOND], 9 * frames)
    windows = [window(labels[9 * n : 9 * n + 9]) for n in range(frames)]
    views = [trace.view(image, texts) for image, texts, _ in windows]
    number = draw.randrange(9)
    words = f"the {labels[9 * place + number]} button"
    ids, starts = trace.prompt(views, words)
    target = views[place].transform.affine(Space.CAPTURE, Space.PATCH).rect(windows[place][2][number])
    rows, columns = views[place].map_shape
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    inside = (target.left < x) & (x < target.right) & (target.top < y) & (y < target.bottom)
    dense: Tensor | None = None
    for name, find in patterns(ids, starts, rows * columns, trace.model.module.image_token_id).items():
        maps = trace.point(views, ids, words, find)
        whole = torch.cat(maps)
        dense = whole if dense is None else dense
        peak = int(whole.argmax()) - place * rows * columns
        yield {
            "pattern": name, "frames": frames, "tokens": len(ids), "place": place, "seed": seed,
            "density": round(trace.density, 4),
            "share": round(float(maps[place].view(rows, columns)[inside].sum()), 4),
            "frame_share": round(float(maps[place].sum()), 4),
            "found": 0 <= peak < rows * columns and bool(inside.flatten()[peak]),
            "from_dense": round(float((whole - dense).abs().sum()) / 2, 4),
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", default="2,6")
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    trace = Trace()
    for frames in (int(n) for n in given.frames.split(",")):
        for seed in range(given.seeds):
            for place in range(frames):
                for line in lines(trace, frames, place, seed):
                    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
