"""A server on 127.0.0.1 that answers like the Hugging Face Hub, well or badly, as a test says."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LFS = (".safetensors", ".bin", "tokenizer.json")


def git_checksum(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repo:
    """One published model."""

    files: dict[str, bytes]
    card: dict[str, object] = field(default_factory=dict)
    sent: dict[str, bytes] = field(default_factory=dict)
    """What is sent in place of a file, while the file itself is announced."""

    @property
    def commit(self) -> str:
        return hashlib.sha1(repr(sorted(self.files.items())).encode()).hexdigest()

    def about(self, name: str) -> dict[str, object]:
        siblings = []
        for file, content in self.files.items():
            row: dict[str, object] = {"rfilename": file, "size": len(content), "blobId": git_checksum(content)}
            if file.endswith(LFS):
                sha256 = hashlib.sha256(content).hexdigest()
                row["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
            siblings.append(row)
        return {
            "id": name,
            "modelId": name,
            "sha": self.commit,
            "siblings": siblings,
            "cardData": self.card,
            "tags": [],
        }


class HubServer:
    """Serves repositories; keeps what was asked, and breaks off where it is told to."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.asked: list[tuple[str, str]] = []
        """(path without the query, Range header) of every request, redirects included."""
        self.sent: dict[str, int] = {}
        """File -> bytes of its content sent from the content addresses."""
        self.cut_after: dict[str, list[int]] = {}
        """File -> for each of the next answers, how many bytes are sent before the connection is closed."""
        self.ignore_range = False
        self.busy: dict[str, list[int]] = {}
        """File -> statuses with which the next requests for its content are turned away."""
        self.held: dict[str, tuple[int, threading.Event]] = {}
        """File -> after how many bytes of it an answer waits, and what ends the wait."""
        self.elsewhere = ""
        """Address of the server that large files lie on; here, when empty."""
        self.tokens: list[str | None] = []
        """The Authorization header of every request."""
        self.every: tuple[int, dict[str, str], bytes] | None = None
        """An answer to everything."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                outer.serve(self)

            def do_HEAD(self) -> None:
                outer.serve(self)

            def log_message(self, *arguments: object) -> None:
                """Nothing is logged."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that goes away is no event."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def ranges(self, file: str) -> list[str]:
        """Range headers of the requests for a file's content, in order; empty ones for whole files."""
        return [asked for path, asked in self.asked if path.endswith(f"/{file}") and "/resolve/" in path]

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(handler.path).path)
        asked = handler.headers.get("Range", "")
        self.asked.append((path, asked))
        self.tokens.append(handler.headers.get("Authorization"))
        if self.every is not None:
            self._answer(handler, *self.every)
        elif api := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._about(handler, api[1], api[2])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(handler, found[1], found[2], found[3])
        elif found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            self._content(handler, self.repos[found[1]], found[2], asked, {})
        else:
            self._answer(handler, 404, {}, b"")

    def _about(self, handler: BaseHTTPRequestHandler, name: str, revision: str | None) -> None:
        repo = self.repos.get(name)
        if repo is None:
            self._answer(handler, 404, {"X-Error-Code": "RepoNotFound"}, b"")
        elif revision not in {None, "main", repo.commit}:
            self._answer(handler, 404, {"X-Error-Code": "RevisionNotFound"}, b"")
        else:
            self._answer(handler, 200, {"Content-Type": "application/json"}, json.dumps(repo.about(name)).encode())

    def _resolve(self, handler: BaseHTTPRequestHandler, name: str, revision: str, file: str) -> None:
        repo = self.repos[name]
        if file not in repo.files or revision not in {"main", repo.commit}:
            self._answer(handler, 404, {"X-Error-Code": "EntryNotFound"}, b"")
            return
        content = repo.files[file]
        headers = {"X-Repo-Commit": repo.commit}
        if file.endswith(LFS):  # large files lie elsewhere
            headers |= {"X-Linked-Size": str(len(content)), "Location": f"{self.elsewhere}/cdn/{name}/{file}"}
            headers["X-Linked-ETag"] = f'"{hashlib.sha256(content).hexdigest()}"'
            self._answer(handler, 302, headers, b"")
        else:
            headers["ETag"] = f'"{git_checksum(content)}"'
            self._content(handler, repo, file, handler.headers.get("Range", ""), headers)

    def _content(
        self, handler: BaseHTTPRequestHandler, repo: Repo, file: str, asked: str, headers: dict[str, str]
    ) -> None:
        if self.busy.get(file) and (not asked or asked.endswith("-")):
            self._answer(handler, self.busy[file].pop(0), {}, b"")
            return
        content = repo.sent.get(file, repo.files[file])
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
        if span is None or self.ignore_range:
            self._answer(handler, 200, headers, content, file)
            return
        start, end = int(span[1]), min(int(span[2] or len(content) - 1), len(content) - 1)
        if start > end:
            self._answer(handler, 416, {"Content-Range": f"bytes */{len(content)}"}, b"")
            return
        told = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
        self._answer(handler, 206, headers | told, content[start : end + 1], file)

    def _answer(
        self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes, file: str = ""
    ) -> None:
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command == "HEAD":
            return
        whole = handler.headers.get("Range", "").endswith("-") or not handler.headers.get("Range")
        cuts = self.cut_after.get(file) if whole else None
        if cuts:
            body = body[: cuts.pop(0)]
            handler.close_connection = True
        held = self.held.get(file) if whole else None
        if held is not None:
            handler.wfile.write(body[: held[0]])
            handler.wfile.flush()
            held[1].wait(60)
            body = body[held[0] :]
        if file:
            self.sent[file] = self.sent.get(file, 0) + len(body)
        handler.wfile.write(body)
        handler.wfile.flush()


@contextmanager
def hub_server() -> Iterator[HubServer]:
    server = HubServer()
    try:
        yield server
    finally:
        server.close()
