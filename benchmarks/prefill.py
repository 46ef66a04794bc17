"""Time per screenshot and per instruction, beside plain transformers doing the same forward, in one run.

    python benchmarks/prefill.py [MODEL_DIR] [--size 1280x800] [--instructions 5] [--max-pixels N]

Plain transformers means: its image processor, ``model(**inputs, output_hidden_states=True)`` with stock SDPA, then the
pointer head, for every instruction anew. Ours: ``encode`` once, then ``attend`` per instruction. Prints one JSON
object; ``largest_difference`` is that of the two maps, relative to the peak.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.model.checkpoint import load_checkpoint
from reticle_grounding.model.pointer_model import PointerModel

WORDS = "click the 'Save as...' entry in the File menu, number {}"


def screen(width: int, height: int) -> Image.Image:
    """A synthetic window with rows of text."""
    image = Image.new("RGB", (width, height), "#f4f4f4")
    pen = ImageDraw.Draw(image)
    for row in range(0, height, 24):
        pen.text((20 + row % 7 * 30, row), f"File  Edit  View  item {row}  OK  Cancel", fill="black")
        pen.rectangle((width // 2, row, width // 2 + 80, row + 18), outline="gray")
    return image


class Plain:
    """The reference's way, with nothing but transformers and the same pointer head."""

    def __init__(self, directory: Path, max_pixels: int | None) -> None:
        opened = load_checkpoint(directory)
        self.module, self.tokenizer, self.profile = opened.model, opened.tokenizer, opened.profile
        limits = opened.processor.capped(max_pixels)
        self.processor = Qwen2VLImageProcessorPil(
            size={"shortest_edge": limits.min_pixels, "longest_edge": limits.max_pixels}
        )

    @torch.inference_mode()
    def __call__(self, image: Image.Image, instruction: str) -> np.ndarray:
        pictures = self.processor(images=[image], return_tensors="pt")
        patches = int(pictures["image_grid_thw"].prod()) // self.module.merge_size**2
        ids = torch.tensor([self.tokenizer.encode(self.profile.prompt(instruction), patches)])
        pads = ids == self.module.image_token_id
        states = self.module.backbone(
            input_ids=ids, mm_token_type_ids=pads.int(), output_hidden_states=True, **pictures
        ).hidden_states
        queries = states[-1][ids == self.module.pointer_pad_id]
        return self.module.head(queries, states[0][pads])[0].softmax(-1).numpy()


def milliseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def measure(directory: Path, size: tuple[int, int], instructions: int, max_pixels: int | None) -> dict[str, object]:
    """Medians over ``instructions`` rounds; the two sides take turns, so a busy machine slows both."""
    image = screen(*size)
    plain, ours = Plain(directory, max_pixels), PointerModel.open(directory, max_pixels=max_pixels)
    warm = ours.encode(image)
    difference = np.abs(plain(image, WORDS) - ours.attend(warm, WORDS).ravel()).max() / ours.attend(warm, WORDS).max()
    full, encode, attend = [], [], []
    for number in range(instructions):
        words = WORDS.format(number)
        full.append(milliseconds(lambda words=words: plain(image, words)))
        encode.append(milliseconds(lambda: ours.encode(image)))
        attend.append(milliseconds(lambda words=words: ours.attend(warm, words)))
    plain_ms, encode_ms, attend_ms = (statistics.median(times) for times in (full, encode, attend))
    return {
        "model": ours.name,
        "image": {"width": size[0], "height": size[1]},
        "patches": warm.map_shape[0] * warm.map_shape[1],
        "prefix_tokens": warm.prefix_length,
        "threads": torch.get_num_threads(),
        "plain_ms_per_instruction": round(plain_ms, 1),
        "encode_ms_per_screen": round(encode_ms, 1),
        "attend_ms_per_instruction": round(attend_ms, 1),
        "phases_ms": {name: round(value, 1) for name, value in ours.encode(image).timings_ms.items()},
        "ratio_new_screen": round((encode_ms + attend_ms) / plain_ms, 4),
        "ratio_further_instruction": round(attend_ms / plain_ms, 4),
        "largest_difference": float(difference),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="model folder; the embedded model when left out")
    parser.add_argument("--size", default="1280x800", help="WIDTHxHEIGHT of the screenshot")
    parser.add_argument("--instructions", type=int, default=5)
    parser.add_argument("--max-pixels", type=int)
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    directory = given.model or embedded_model_dir()
    print(json.dumps(measure(directory, (width, height), given.instructions, given.max_pixels), indent=1))


if __name__ == "__main__":
    main()
