"""One side in a process of its own: ``python -m reticle_grounding.peer.worker SIDE FOLDER KEEP THREADS``; SIDE is
``ours``, ``plain`` or ``lean``.

Reads one JSON request a line, ``{"do": "first" | "further", "image": PATH, "words": TEXT}``, and answers each with one
line, so that whoever asks can have two sides work in turn.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Protocol

import torch
import transformers
from PIL import Image

from reticle_grounding.model.checkpoint import load_checkpoint
from reticle_grounding.model.focusui import FocusScreen, FocusUI
from reticle_grounding.model.pointer_model import EncodedScreen, PointerModel
from reticle_grounding.model.selection import SelectionRule
from reticle_grounding.types import FloatMap

from .dropping import near_the_cut
from .plain import PlainModel

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Side(Protocol):
    """What is measured."""

    def first(self, image: Image.Image, words: str) -> FloatMap:
        """An instruction on a new screen."""
        ...

    def further(self, image: Image.Image, words: str) -> FloatMap:
        """Another instruction on the same screen."""
        ...

    def undecided(self, words: str) -> tuple[int, ...]:
        """Patches that rounding may keep or drop for the latest instruction."""
        ...


class Ours:
    """The path of the program."""

    def __init__(self, folder: Path, keep: float) -> None:
        checkpoint = load_checkpoint(folder)
        # The published rule, so that both sides keep the same patches.
        rule = SelectionRule(keep, published=True) if checkpoint.model.family.scorer else None
        self.model = PointerModel(checkpoint, selection=rule)
        self.screen: EncodedScreen | None = None

    def first(self, image: Image.Image, words: str) -> FloatMap:
        self.screen = None
        self.screen = self.model.encode(image)
        return self.model.attend(self.screen, words)

    def further(self, image: Image.Image, words: str) -> FloatMap:
        if self.screen is None:
            raise ValueError("a further instruction needs a first one")
        return self.model.attend(self.screen, words)

    @torch.inference_mode()
    def undecided(self, words: str) -> tuple[int, ...]:
        method = self.model.method
        if not isinstance(method, FocusUI) or not isinstance(self.screen, FocusScreen):
            return ()
        ids = torch.cat([self.screen.opening, method.runner.ids(method.runner.question(words))], dim=1)
        scores = method.scorer.scores(self.screen.patches, method.words(words))
        return near_the_cut(scores, method.selected(ids, method.placed(self.screen, ids), scores).kept)


class Plain:
    """Plain transformers, which does everything anew for every instruction."""

    def __init__(self, folder: Path, keep: float, lean: bool = False) -> None:
        self.model = PlainModel(folder, keep, lean)

    def first(self, image: Image.Image, words: str) -> FloatMap:
        return self.model.attend(image, words)

    def further(self, image: Image.Image, words: str) -> FloatMap:
        return self.model.attend(image, words)

    def undecided(self, words: str) -> tuple[int, ...]:
        return self.model.undecided()


def resident() -> int:
    """Bytes of memory this process holds."""
    return _status("VmRSS") or peak()


def forget_peak() -> None:
    """Lets :func:`peak` begin anew, where the system can; elsewhere it goes on from the start of the process."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def peak() -> int:
    """The most bytes of memory this process has held since :func:`forget_peak`."""
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _status(field: str) -> int:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":")), 0)


def answer(side: Side, request: dict[str, str]) -> dict[str, object]:
    """Does what is asked and measures it; the picture is opened before."""
    with Image.open(request["image"]) as opened:
        image = opened.convert("RGB")
    work = {"first": side.first, "further": side.further}[request["do"]]
    forget_peak()
    wall, processor = time.perf_counter(), time.process_time()
    attention = work(image, request["words"])
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    most = peak()
    undecided = side.undecided(request["words"])
    told = {"wall_s": wall, "processor_s": processor, "peak": most, "map": attention.ravel().tolist()}
    return told | {"undecided": undecided}


def main(arguments: list[str]) -> int:
    """Serves until the requests end."""
    name, folder, keep, threads = arguments
    torch.set_num_threads(int(threads))
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    side = Ours(Path(folder), float(keep)) if name == "ours" else Plain(Path(folder), float(keep), name == "lean")
    print_line({"opened": resident()})
    for line in sys.stdin:
        print_line(answer(side, json.loads(line)))
    return 0


def print_line(document: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
