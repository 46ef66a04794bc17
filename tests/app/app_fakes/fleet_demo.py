"""A fleet whose replicas look at the picture's own pixels: ``fleet_demo.py serve|label JSON`` (see `main`)."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app_fakes.demo_worker import DemoGrounder, DemoObservation
from app_fakes.serving import TOKEN

from reticle_app.fleet.cluster import ClusterOptions
from reticle_app.server.host import note
from reticle_grounding.types import Grounding

LOOKS = "RETICLE_TEST_LOOKS"
"""Names a folder where every look and every grounding leaves a line; its absence leaves none."""


class SlowLook(DemoGrounder):
    """Looks for half a second, which is what makes sharing a look worth while; "wait" in the words takes a second."""

    def observe(self, image: Image.Image) -> DemoObservation:
        _leave(f"look {image.width}")
        time.sleep(0.5)
        return SlowObservation(image)


class SlowObservation(DemoObservation):
    def ground(self, instruction: str, top_k: int = 5) -> Grounding:
        _leave(f"ground {instruction}")
        if "wait" in instruction:
            time.sleep(1.0)
        return super().ground(instruction, top_k)


def _leave(line: str) -> None:
    if LOOKS in os.environ:
        with open(Path(os.environ[LOOKS]) / str(os.getpid()), "a") as file:
            file.write(line + "\n")


def open_slow() -> SlowLook:
    if "RETICLE_TEST_NO_MODEL" in os.environ:
        raise RuntimeError("there is no such model")
    return SlowLook()


def main(what: str, given: dict[str, object]) -> None:
    cluster = ClusterOptions(workers=int(given.get("workers", 2)), cpus=1, store_mb=200)
    if what == "serve":
        from reticle_app.fleet.serving import ServeOptions, serve_fleet
        from reticle_app.server.listen import Address

        listening = Address().listen()
        options = ServeOptions(**given.get("options", {}))

        def ready() -> None:
            note(f"ready on {listening.getsockname()[1]}")

        serve_fleet(open_slow, cluster, options, TOKEN, listening, ready)
    else:
        from reticle_app.fleet.labelling import label

        folders, out = [Path(str(folder)) for folder in given["traces"]], Path(str(given["out"]))
        done = label(folders, out, open_slow, cluster, {"model": "demo"}, lambda n, total: note(f"{n} of {total}"))
        note(f"labelled {done.answers} {done.errors} {done.kept}")


if __name__ == "__main__":
    import app_fakes.fleet_demo as importable  # by its name in the workers, not as __main__

    importable.main(sys.argv[1], json.loads(sys.argv[2]))
