"""A server on this machine that sends one file, in a process of its own: the other end of a measured download."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection

from reticle_app.models.digests import Expected
from reticle_app.models.hub import RemoteFile, Repository

NAME, CHUNK = "model.safetensors", bytes(range(256)) * 4096


class _Sends(BaseHTTPRequestHandler):
    chunks = 0

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CHUNK) * self.chunks))
        self.end_headers()
        for _ in range(self.chunks):
            self.wfile.write(CHUNK)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""


def _serve(link: Connection, chunks: int) -> None:
    _Sends.chunks = chunks
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sends)
    link.send(server.server_address[1])
    server.serve_forever()


@contextmanager
def serving(mebibytes: int) -> Iterator[tuple[str, Repository, RemoteFile]]:
    """Address, repository and the one file of it, with its checksum."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, mebibytes), daemon=True)
    process.start()
    try:
        digest = hashlib.sha256()
        for _ in range(mebibytes):
            digest.update(CHUNK)
        file = RemoteFile(NAME, len(CHUNK) * mebibytes, Expected(sha256=digest.hexdigest()))
        repository = Repository("measured/model", "0" * 40, {NAME: file}, None, ())
        yield f"http://127.0.0.1:{here.recv()}", repository, file
    finally:
        process.kill()
        process.join()
