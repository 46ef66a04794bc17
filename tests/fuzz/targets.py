"""What is fed: trace reader, planner, pictures, HTTP and MCP. Each feeder takes one input and lets a crash escape.

A refusal in words (BadInput, RefusedCallError, an answer with an error) is no crash; anything else that escapes is.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from mutation import TEXTS, as_json, deep, odd_bytes, odd_document, odd_text, odd_value
from PIL import Image, ImageDraw

from reticle_grounding.errors import BadInput

TESTS = Path(__file__).resolve().parents[1]
TASKS = (
    "open the Search menu, then click 'Find and Replace...', type 'reticle' into the search field, then press Escape",
    "click 4, click 5, press +, click 6, then press Enter",
    'double-click the "Documents" folder; right-click it and choose Rename',
    "drag the file report.pdf to the bin, wait 2.5 seconds and scroll down 3 times in the list",
    "1. press Ctrl+Shift+S\n2. type the password 'hunter2' into the Password field\n3) hit Return twice",
    "ask me 'Which printer?' and then type “it’s fine” into the note, please",
    "scroll up ten times, press Alt + F4",
)
PLANNER_WORDS = (
    *TEXTS, "click ", "press ", "type ", " into ", " and then ", "drag ", " to ", "scroll ", "wait ", "twice",
    "3 times", "Ctrl+", "password", "ask ", " field", " button", "12345678901234567890", "½", "…", "1.", "2)", "the ",
)  # fmt: skip


class Crash(Exception):
    """A target answered in a way that it must not; the text says how."""


class Target(ABC):
    """One kind of input."""

    name = ""

    @abstractmethod
    def feed(self, rng: Random) -> bytes | str:
        """Makes one input, hands it over and returns it for the record. What escapes is a crash."""

    def made(self) -> bytes | str:
        """The input that was handed over last."""
        return self.last

    last: bytes | str = b""

    @abstractmethod
    def close(self) -> None:
        """Lets go of processes and files."""


class Traces(Target):
    """Lines, journals and manifests; what could be read is gone through as the commands do."""

    name = "trace"

    def __init__(self) -> None:
        sys.path.insert(0, str(TESTS / "agent"))
        from agent_fakes.recorded import recorded

        self._root = Path(tempfile.mkdtemp(prefix="reticle-fuzz-"))
        self._good = recorded(self._root / "good")
        self._folder = self._root / "bad"
        shutil.copytree(self._good, self._folder)
        self._journal = (self._good / "events.jsonl").read_bytes()
        self._lines = self._journal.splitlines()
        self._events = [json.loads(line) for line in self._lines]
        self._manifest = (self._good / "manifest.json").read_bytes()
        self._numbers = 0

    def feed(self, rng: Random) -> bytes:
        what = rng.random()
        if what < 0.92:
            self.last = self._line(rng)
            self._parse(self.last)
        elif what < 0.96:
            self.last = self._whole(rng)
            self._read(journal=self.last, thorough=rng.random() < 0.05)
        else:
            whole = json.loads(self._manifest)
            self.last = as_json(rng, odd_document(rng, whole)) if rng.random() < 0.7 else odd_bytes(rng, self._manifest)
            self._read(manifest=self.last, thorough=rng.random() < 0.05)
        return self.last

    def _line(self, rng: Random) -> bytes:
        which, what = rng.randrange(len(self._lines)), rng.random()
        if what < 0.6:
            return as_json(rng, odd_document(rng, self._events[which], self._events))
        if what < 0.65:
            return (
                json.dumps({**self._events[which], rng.choice(("seq", "x", "t", "args")): 0})
                .encode()
                .replace(b": 0", b": " + _nested(rng))
            )
        return odd_bytes(rng, self._lines[which], self._lines)

    def _whole(self, rng: Random) -> bytes:
        if rng.random() < 0.5:
            lines = list(self._lines)
            for _ in range(rng.choice((1, 2, 5))):
                lines[rng.randrange(len(lines))] = self._line(rng)
            return b"\n".join(lines) + rng.choice((b"\n", b"", b"\n\n", b"\0" * 64))
        return odd_bytes(rng, self._journal, self._lines, (b"\n", b"\r\n", b"\0", b'{"seq":0}\n'))

    def _parse(self, line: bytes) -> None:
        from reticle_agent.trace.reader import parse_event

        try:
            event = parse_event(line, Path("events.jsonl"), 1)
        except BadInput as refusal:
            _one_line(refusal)
            return
        for key in (*event, "absent"):
            event.text(key), event.number(key), event.object(key), event.objects(key)

    def _read(self, journal: bytes | None = None, manifest: bytes | None = None, *, thorough: bool = False) -> None:
        from reticle_agent.trace import TraceReader, show, summary, verify, write_report
        from reticle_agent.trace.recall import recall

        (self._folder / "events.jsonl").write_bytes(self._journal if journal is None else journal)
        (self._folder / "manifest.json").write_bytes(self._manifest if manifest is None else manifest)
        try:
            trace = TraceReader.open(self._folder)
            if not isinstance(trace.status, str) or not isinstance(trace.task, str):
                raise Crash("status and task are no text")
            trace.steps()
            show(self._folder)
            json.dumps(summary(self._folder)).encode()
            if thorough:
                list(recall(trace))
                write_report(self._folder, self._root / "report.html")
        except BadInput as refusal:
            _one_line(refusal)
        if thorough:
            verify(self._folder)

    def close(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)


def _nested(rng: Random) -> bytes:
    levels = rng.choice((40, 400, 900, 990, 2000, 100_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return opening * levels + b"1" + (closing * levels if rng.random() < 0.8 else b"")


class Planner(Target):
    """Tasks in words, answers of a planning model, and its tool calls."""

    name = "planner"

    def __init__(self) -> None:
        from reticle_agent.actions import Click, Drag, Finish, Hotkey, Scroll, TypeText, Wait
        from reticle_agent.planner.endpoint.tools import as_call

        steps = (
            Click("the ok button", "right", 2), Drag("a", "b"), Scroll("down", 3, None), TypeText("hi", "the field"),
            Hotkey(("ctrl", "s")), Wait(2.0), Finish(True, "done"),
        )  # fmt: skip
        calls = [as_call(step) for step in steps]
        self._calls = [(call["tool"], call["arguments"]) for call in calls]
        self._answers = [
            {
                "choices": [
                    {
                        "message": {
                            "content": "I click",
                            "tool_calls": [{"function": {"name": name, "arguments": json.dumps(arguments)}}],
                        },
                        "finish_reason": "tool_calls",
                    }
                ],
                "usage": {"prompt_tokens": 10, "completion_tokens": 3},
            }
            for name, arguments in self._calls
        ]

    def feed(self, rng: Random) -> bytes | str:
        what = rng.random()
        if what < 0.6:
            text = rng.choice(TASKS)
            if rng.random() < 0.3:
                text = rng.choice((", then ", "; ", "\n", " ")).join(rng.choices(TASKS, k=rng.choice((2, 3))))
            if rng.random() < 0.15:
                text = " ".join(rng.choices(PLANNER_WORDS, k=rng.choice((3, 10, 40))))
            self.last = odd_text(rng, text, PLANNER_WORDS)
            self._plan(self.last)
        elif what < 0.8:
            name, arguments = rng.choice(self._calls)
            document = odd_document(rng, arguments) if rng.random() < 0.8 else odd_value(rng)
            self.last = json.dumps(document, ensure_ascii=rng.random() < 0.5)
            self._call(rng.choice((name, name, name, odd_text(rng, name))), self.last)
        else:
            answer = rng.choice(self._answers)
            good = json.dumps(answer).encode()
            self.last = as_json(rng, odd_document(rng, answer)) if rng.random() < 0.7 else odd_bytes(rng, good)
            self._answer(self.last)
        return self.last

    def _plan(self, task: str) -> None:
        from reticle_agent.planner import parse_spans, render

        try:
            parsed = parse_spans(task)
        except BadInput as refusal:
            _one_line(refusal)
            return
        if not parsed:
            raise Crash("neither steps nor a word about what is wrong")
        if not all(0 <= p.start < p.end <= len(task) for p in parsed):
            raise Crash(f"steps stand outside of the words: {parsed}")
        for part in parsed:
            try:
                render(part.step)
            except ValueError as error:
                if "quotation mark" not in str(error):
                    raise

    def _call(self, name: str, arguments: str) -> None:
        from reticle_agent.planner.endpoint.tools import RefusedCallError, read_call

        try:
            read_call(name, arguments)
        except RefusedCallError as refusal:
            _one_line(refusal)

    def _answer(self, body: bytes) -> None:
        from reticle_agent.planner.endpoint.answer import read_answer
        from reticle_agent.planner.endpoint.tools import RefusedCallError

        try:
            answer = read_answer(body)
            assert isinstance(answer.said, str)
            answer.step()
        except RefusedCallError as refusal:
            _one_line(refusal)

    def close(self) -> None:
        """Nothing is held."""


def _one_line(refusal: Exception) -> None:
    text = str(refusal)
    if not text.strip() or len(text) > 5000:
        raise Crash(f"the refusal says nothing, or too much ({len(text)} characters)")


class Pictures(Target):
    """Bytes of pictures as servers and commands take them."""

    name = "image"
    FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "PPM", "TGA")

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="reticle-fuzz-"))
        self._good: dict[str, list[bytes]] = {kind: [] for kind in self.FORMATS}
        drawn = Image.new("RGB", (37, 23), "white")
        ImageDraw.Draw(drawn).ellipse((5, 4, 30, 20), fill="orange", outline="navy")
        modes = {
            "PNG": ("RGB", "RGBA", "L", "P", "1", "I;16"), "JPEG": ("RGB", "L", "CMYK"), "WEBP": ("RGB", "RGBA"),
            "GIF": ("P",), "BMP": ("RGB", "1"), "TIFF": ("RGB", "F", "I;16"), "ICO": ("RGBA",), "PPM": ("RGB",),
            "TGA": ("RGB",),
        }  # fmt: skip
        grey = np.asarray(drawn.convert("L"))
        for kind, known in modes.items():
            for mode in known:
                image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else drawn.convert(mode)
                out = io.BytesIO()
                exif = Image.Exif()
                exif[0x0112] = 6
                more: dict[str, Any] = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP") else {}
                if kind == "GIF":
                    more = {"save_all": True, "append_images": [image.rotate(90)]}
                image.save(out, kind, **more)
                self._good[kind].append(out.getvalue())
        self._all = [data for known in self._good.values() for data in known]

    def feed(self, rng: Random) -> bytes:
        from reticle_grounding.images import decode_image, load_image, picture_size

        sent = rng.random() < 0.8
        data = rng.choice(self._good[rng.choice(self.FORMATS[:3])] if sent else self._all)
        words = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"\xff\xda", b"\xff\xc0", b"RIFF", b"VP8X", b"EXIF", b"\0\0\0\0")
        self.last = odd_bytes(rng, data, self._all, words)
        if sent and rng.random() < 0.3 and data.startswith(b"\x89PNG"):
            self.last = _with_sums(self.last)
        try:
            if sent:
                _rgb(decode_image(self.last, 4_000_000))
            else:
                path = self._folder / "picture"
                path.write_bytes(self.last)
                picture_size(path)
                _rgb(load_image(path))
        except BadInput as refusal:
            _one_line(refusal)
        return self.last

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _rgb(image: Image.Image) -> None:
    if image.mode != "RGB" or not all(image.size):
        raise Crash(f"not RGB but {image.mode} of {image.size}")
    np.asarray(image)


def _with_sums(data: bytes) -> bytes:
    """A PNG whose parts have the check sums that fit, so that more than the sums is tried."""
    import struct
    import zlib

    out, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        body = data[at + 4 : at + 8 + size]
        if len(body) < size + 4:
            break
        out += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += size + 12
    return bytes(out + data[at:])


class InThisProcess:
    """Stands for the model's process: looks at nothing and answers at once."""

    name, pid = "fuzz", None

    def observe(self, image: Image.Image) -> Any:
        from app_fakes.demo_worker import DemoObservation

        return DemoObservation(image)

    def start(self) -> None: ...
    def end(self) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...


class Http(Target):
    """Requests to the whole application, guard included, without sockets."""

    name = "http"
    STATUSES = frozenset({200, 307, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 503, 504})

    def __init__(self) -> None:
        sys.path.insert(0, str(TESTS / "app"))
        sys.path.insert(1, str(TESTS / "agent"))
        from agent_fakes.recorded import recorded
        from app_fakes.serving import TOKEN, in_base64

        from reticle_app.api import Reticle
        from reticle_app.config import Settings
        from reticle_app.server.host import Host
        from reticle_app.server.http import create_app

        for name in ("DISPLAY", "WAYLAND_DISPLAY"):  # nothing that is asked for here may reach a desktop
            os.environ.pop(name, None)
        self._root = Path(tempfile.mkdtemp(prefix="reticle-fuzz-"))
        recorded(self._root / "run")
        reticle = Reticle(InThisProcess(), Settings(traces=self._root))  # type: ignore[arg-type]
        self._app = create_app(Host(reticle), TOKEN)
        self._token, self._picture = TOKEN, in_base64()
        self._loop = asyncio.new_event_loop()
        self._bodies: dict[str, Any] = {
            "/v1/ground": {"image": self._picture, "instruction": "the red square", "top_k": 3, "map": True},
            "/v1/act": {"task": "click the red square", "dry_run": True},
            "/v1/stop": {},
        }

    def feed(self, rng: Random) -> bytes:
        path = rng.choice((*self._bodies, "/v1/ground", "/v1/traces", "/v1/traces/run", "/openapi.json"))
        method = "POST" if path in self._bodies else "GET"
        headers = {
            b"host": b"127.0.0.1:8737",
            b"authorization": b"Bearer " + self._token.encode(),
            b"content-type": b"application/json",
        }
        body = b""
        if path in self._bodies:
            document = self._bodies[path]
            made = as_json(rng, odd_document(rng, document) if rng.random() < 0.9 else deep(rng, rng.choice((9, 400))))
            body = made if rng.random() < 0.7 else odd_bytes(rng, json.dumps(document).encode())
        query = b""
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            path, method, query = self._odd_line(rng, path, method, headers, query)
        self.last = repr((method, path, query, headers, body[:3000])).encode()
        status, answer = self._loop.run_until_complete(self._ask(method, path, query, headers, body, rng))
        if status not in self.STATUSES:
            raise Crash(f"status {status}: {answer[:300]!r}")
        if status >= 400:
            shown = json.loads(answer)["error"]
            if not shown["kind"] or not shown["message"]:
                raise Crash(f"an error without words: {answer[:300]!r}")
        return self.last

    def _odd_line(
        self, rng: Random, path: str, method: str, headers: dict[bytes, bytes], query: bytes
    ) -> tuple[str, str, bytes]:
        what = rng.randrange(4)
        if what == 0:
            path = rng.choice((odd_text(rng, path), "/v1/traces/" + rng.choice(TEXTS), path + "/", path.upper()))
        elif what == 1:
            method = rng.choice(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "", "géT"))
        elif what == 2:
            name = rng.choice((*headers, b"origin", b"content-length", b"accept", b"transfer-encoding", b"expect"))
            headers[name] = odd_bytes(rng, headers.get(name, b"12"))
        else:
            query = odd_bytes(rng, rng.choice((b"limit=5", b"limit=5&limit=6", b"x=%00", b"limit=%D9%A3")))
        return path, method, query

    async def _ask(
        self, method: str, path: str, query: bytes, headers: dict[bytes, bytes], body: bytes, rng: Random
    ) -> tuple[int, bytes]:
        cut = rng.randrange(len(body) + 1)
        parts = [body] if rng.random() < 0.8 else [body[:cut], body[cut:]]
        ends_early = rng.random() < 0.03
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            if not parts or (ends_early and len(parts) == 1):
                return {"type": "http.disconnect"}
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(event: Any) -> None:
            sent.append(event)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode("utf-8", "replace"), "query_string": query, "root_path": "",
            "headers": list(headers.items()), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8737),
        }  # fmt: skip
        await self._app(scope, receive, send)
        start = [event for event in sent if event["type"] == "http.response.start"]
        if len(start) != 1:
            raise Crash(f"{len(start)} answers")
        return start[0]["status"], b"".join(e.get("body", b"") for e in sent if e["type"] == "http.response.body")

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        shutil.rmtree(self._root, ignore_errors=True)


class Mcp(Target):
    """Lines to the server over stdin, in a process of its own; after each few it must still answer."""

    name = "mcp"
    EVERY = 50
    WAIT_S = 300.0

    def __init__(self) -> None:
        sys.path.insert(0, str(TESTS / "app"))
        from app_fakes.serving import in_base64

        self._root = Path(tempfile.mkdtemp(prefix="reticle-fuzz-"))
        self._picture = in_base64()
        env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        stub = TESTS / "app" / "app_fakes" / "mcp_stub.py"
        self._log = (self._root / "log").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, str(stub), str(self._root / "traces")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=env,
        )  # fmt: skip
        self._sent, self._recent = 0, list[bytes]()
        hello = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "fuzz", "version": "1"},
        }
        self._say(json.dumps({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello}).encode())
        self._answer("hello")
        self._say(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')
        self._calls = [
            ("tools/list", {}),
            ("tools/call", {"name": "trace", "arguments": {"name": "", "limit": 5}}),
            ("tools/call", {"name": "act", "arguments": {"task": "sing", "dry_run": True}}),
            ("tools/call", {"name": "ground", "arguments": {"instruction": "red", "image_base64": self._picture}}),
            ("tools/call", {"name": "ground", "arguments": {"instruction": "red", "image_path": "/nothing"}}),
            ("ping", {}),
        ]

    def feed(self, rng: Random) -> bytes:
        self._sent += 1
        method, parameters = rng.choice(self._calls)
        request = {"jsonrpc": "2.0", "id": self._sent, "method": method, "params": parameters}
        what = rng.random()
        if what < 0.7:
            line = as_json(rng, odd_document(rng, request, [{"method": m, "params": p} for m, p in self._calls]))
        elif what < 0.75:
            line = json.dumps(request).encode().replace(b'"2.0"', _nested(rng))
        else:
            line = odd_bytes(rng, json.dumps(request).encode())
        self.last = line.replace(b"\n", b" ").replace(b"\r", b" ")
        self._recent = [*self._recent[-self.EVERY :], self.last]
        self._say(self.last)
        if self._sent % self.EVERY == 0:
            name = f"alive-{self._sent}"
            self._say(json.dumps({"jsonrpc": "2.0", "id": name, "method": "ping"}).encode())
            self._answer(name)
        return self.last

    def made(self) -> bytes:
        """One of these it was."""
        return b"\n".join(self._recent)

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Crash(f"the server ended: {self._said()}") from None

    def _answer(self, name: str) -> None:
        assert self._process.stdout is not None
        timer = threading.Timer(self.WAIT_S, self._process.kill)
        timer.start()
        try:
            for line in self._process.stdout:
                if json.loads(line).get("id") == name:
                    return
        finally:
            timer.cancel()
        raise Crash(f"the server ended or answers no more: {self._said()}")

    def _said(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text(errors="replace")[-1500:]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()
        shutil.rmtree(self._root, ignore_errors=True)


TARGETS: dict[str, type[Target]] = {kind.name: kind for kind in (Traces, Planner, Pictures, Http, Mcp)}
