"""How much selection can save at most, by counting operations: the share of the vision tower in one prefill.

    python benchmarks/encoder_share.py [--size 1280x800] [--keep 0.3]

Two operations for each multiplication of a weight or of an attention score; norms, activations and heads are left out.
The sizes are those of the published configurations. "Then" is the tower's share once patches were dropped between tower
and decoder, "after" the speed-up which that gives at most, "before" that of dropping the same patches before the tower,
"decoder free" that of a decoder which costs nothing. Text is counted with 100 tokens.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

TEXT = 100


@dataclass(frozen=True)
class Shape:
    """A vision-language model; ``full`` of its vision layers see the whole picture, the others ``window`` patches."""

    name: str
    patch: int
    vision: int
    width: int
    inner: int
    matrices: int
    full: int
    window: int
    layers: int
    hidden: int
    middle: int
    heads: int
    kv_heads: int
    head: int

    def tower(self, patches: float) -> float:
        """Operations for raw patches."""
        linear = self.vision * 2 * (4 * self.width**2 + self.matrices * self.width * self.inner)
        seen = self.full * patches + (self.vision - self.full) * min(self.window, patches)
        merger = 2 * (16 * self.width**2 + 4 * self.width * self.hidden) / 4
        return patches * (linear + merger + 4 * self.width * seen)

    def decoder(self, tokens: float) -> float:
        """Operations for a prompt; causal attention is half of all pairs."""
        attention = self.hidden * self.head * (2 * self.heads + 2 * self.kv_heads)
        linear = self.layers * 2 * (attention + 3 * self.hidden * self.middle)
        return tokens * (linear + self.layers * 2 * self.heads * self.head * tokens)


SHAPES = (
    Shape("Qwen2.5-VL 7B", 14, 32, 1280, 3420, 3, 4, 64, 28, 3584, 18944, 28, 4, 128),
    Shape("Qwen2.5-VL 3B", 14, 32, 1280, 3420, 3, 4, 64, 36, 2048, 11008, 16, 2, 128),
    Shape("Qwen3-VL 2B", 16, 24, 1024, 4096, 2, 24, 0, 28, 2048, 6144, 16, 8, 128),
    Shape("embedded", 14, 4, 160, 448, 3, 2, 64, 2, 256, 512, 4, 2, 64),
)


def row(shape: Shape, size: tuple[int, int], keep: float) -> str:
    cell = 2 * shape.patch
    cells = (size[0] // cell) * (size[1] // cell)
    tower, decoder = shape.tower(4 * cells), shape.decoder(cells + TEXT)
    short = shape.decoder(keep * cells + TEXT)
    after, before = tower + short, shape.tower(4 * keep * cells) + short
    whole = tower + decoder
    numbers = [f"{tower / whole:.0%}", f"{tower / after:.0%}", f"{whole / tower:.2f}x"]
    return f"| {shape.name} | {cells} | {' | '.join(numbers)} | {whole / after:.2f}x | {whole / before:.2f}x |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1280x800", help="WIDTHxHEIGHT as the model sees it")
    parser.add_argument("--keep", type=float, default=0.3)
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    print(f"| model, {given.size}, keep {given.keep:g} | patches | tower | then | decoder free | after | before |")
    print("|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        print(row(shape, (width, height), given.keep))


if __name__ == "__main__":
    main()
