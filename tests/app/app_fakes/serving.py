"""What the tests of servers share: pictures, and a client over real sockets."""

from __future__ import annotations

import base64
import http.client
import io
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from reticle_app.api import Reticle
from reticle_app.server.host import Host

FAKES = Path(__file__).resolve().parent
DEMO = (sys.executable, str(FAKES / "demo_worker.py"))
TOKEN = "a-token-that-only-these-tests-know"


def squares(size: tuple[int, int] = (280, 168)) -> Image.Image:
    """A red and a blue square on white."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((28, 28, 84, 84), fill=(220, 40, 40))
    draw.rectangle((168, 84, 224, 140), fill=(40, 90, 220))
    return image


def png(image: Image.Image | None = None) -> bytes:
    data = io.BytesIO()
    (image or squares()).save(data, "PNG")
    return data.getvalue()


def in_base64(image: Image.Image | None = None) -> str:
    return base64.b64encode(png(image)).decode("ascii")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        return str(self.json["error"]["kind"])


@dataclass
class Client:
    """Speaks to a running server as a program would."""

    port: int
    host: Host
    reticle: Reticle

    def ask(self, method: str, path: str, document: Any = None, **headers: str | None) -> Answer:
        """One request; a header set to None is left out."""
        sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        given = {name.replace("_", "-").title(): value for name, value in headers.items()}
        body = document if isinstance(document, bytes) else None if document is None else json.dumps(document).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            skip = "Host" in given
            connection.putrequest(method, path, skip_host=skip)
            for name, value in {**sent, **given}.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None and "Content-Length" not in given:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def ground(self, words: str, **fields: Any) -> Answer:
        return self.ask("POST", "/v1/ground", {"image": in_base64(), "instruction": words, **fields})
