"""Requests per second of a fleet with one and with two replicas, side by side.

    python benchmarks/fleet.py [--screens 6] [--instructions 4] [--rounds 3] [--clients 6] [--model DIR]

Both fleets are up at once; only one is asked at a time, in turns, so that what else the machine does meets both alike.
Every round has screenshots that neither has seen. The ratio of each pair of rounds is printed, and the median.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import io
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageDraw

from reticle_app.server.token import server_token

WORDS = ["the Save button", "the search field", "the bin", "the File menu", "the settings icon", "the red square"]
COMMAND = "import sys; from reticle_app.cli.main import main; sys.argv[0] = 'reticle'; main()"
UP_S = 900


def screen(seed: int, size: tuple[int, int]) -> str:
    """A window with some labels; no two seeds alike."""
    image = Image.new("RGB", size, (240, 240, 240))
    draw = ImageDraw.Draw(image)
    for row, words in enumerate(("File  Edit  View", f"Document {seed}", "Save", "Cancel")):
        draw.rectangle((20, 20 + 40 * row, 200, 50 + 40 * row), outline=(90, 90, 90))
        draw.text((30, 28 + 40 * row), words, fill=(20, 20, 20))
    data = io.BytesIO()
    image.save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode("ascii")


def start(replicas: int, model: str | None, said: Path) -> subprocess.Popen[bytes]:
    options = ["--replicas", str(replicas), "--port", "0", "--waiting", "64", "--cpus", "1", "--timeout", "600"]
    named = [] if model is None else ["--model", model]
    with open(said, "wb") as out:
        command = [sys.executable, "-c", COMMAND, "fleet", "serve", *options, *named]
        return subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=dict(os.environ))


def port_of(process: subprocess.Popen[bytes], said: Path) -> int:
    until = time.monotonic() + UP_S
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", said.read_text()):
            return int(found[1])
        time.sleep(0.5)
    raise SystemExit(f"the fleet did not come up: {said.read_text()}")


def ask(port: int, token: str, image: str, words: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    body = json.dumps({"image": image, "instruction": words})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/ground", body, headers)
    answer = connection.getresponse()
    document = json.loads(answer.read())
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{answer.status}: {document}")
    return str(document["replica"])


def rate(port: int, token: str, asked: list[tuple[str, str]], clients: int) -> tuple[float, int]:
    """Requests per second, and how many replicas answered."""
    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        who = list(pool.map(lambda one: ask(port, token, *one), asked))
    return len(asked) / (time.monotonic() - began), len(set(who))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("screens", 6), ("instructions", 4), ("rounds", 3), ("clients", 6)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--model")
    parser.add_argument("--size", default="800x450")
    parser.add_argument("--logs", type=Path, default=Path("."))
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the fleets are ended, too
    width, height = map(int, given.size.split("x"))
    logs = {n: given.logs / f"fleet-{n}.log" for n in (1, 2)}
    fleets: dict[int, subprocess.Popen[bytes]] = {}
    try:
        ports = {}
        for n, said in logs.items():
            fleets[n] = start(n, given.model, said)
            ports[n] = port_of(fleets[n], said)
        token, seed, ratios = server_token(), 0, []
        for number in range(-1, given.rounds):  # the first round warms up and does not count
            rates = {}
            for n in (1, 2) if number % 2 else (2, 1):
                asked = []
                for _ in range(given.screens):
                    seed += 1
                    image = screen(seed, (width, height))
                    asked += [(image, words) for words in WORDS[: given.instructions]]
                rates[n], answering = rate(ports[n], token, asked, given.clients)
                print(f"round {number}: {n} wanted, {answering} answered: {rates[n]:.3f} requests/s", flush=True)
            if number >= 0:
                ratios.append(rates[2] / rates[1])
        shown = ", ".join(f"{r:.2f}" for r in ratios)
        print(f"two replicas to one: {shown}; median {statistics.median(ratios):.2f}")
    finally:
        for process in fleets.values():
            process.terminate()
        for process in fleets.values():
            process.wait()


if __name__ == "__main__":
    main()
