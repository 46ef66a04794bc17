"""TLS: a certificate nobody vouches for is refused, and a stop or timeout ends an encrypted exchange too."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_fakes.chat_server import ChatServer, Reply, chat_server

from reticle_agent.planner.endpoint import post
from reticle_agent.planner.endpoint.address import parse_address
from reticle_agent.planner.endpoint.post import Connection, EndpointError
from reticle_agent.stop import StopToken
from reticle_grounding.errors import Cancelled

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl, which makes the certificate, is missing"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


@pytest.fixture
def tls_server(certificate: tuple[Path, Path]) -> Iterator[ChatServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with chat_server(context) as running:
        yield running


@pytest.fixture
def _trusting(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context(cafile=str(certificate[0]))
    monkeypatch.setattr(post.ssl, "create_default_context", lambda: context)


def connect(server: ChatServer, host: str = "127.0.0.1", timeout_s: float = 20.0) -> Connection:
    return Connection(parse_address(f"https://{host}:{server.port}/v1"), StopToken(), "sk-1", timeout_s)


def test_unknown_certificate_is_refused_before_anything_is_sent(tls_server: ChatServer) -> None:
    with pytest.raises(EndpointError, match="no secure connection"):
        connect(tls_server).post(b"{}")
    assert tls_server.requests == []


@pytest.mark.usefixtures("_trusting")
def test_certificate_of_another_name_is_refused(tls_server: ChatServer) -> None:
    with pytest.raises(EndpointError, match="no secure connection"):
        connect(tls_server, "localhost").post(b"{}")
    assert tls_server.requests == []


@pytest.mark.usefixtures("_trusting")
def test_encrypted_exchange(tls_server: ChatServer) -> None:
    tls_server.replies = [Reply(b'{"a":1}')]
    assert connect(tls_server).post(b"{}") == b'{"a":1}'


@pytest.mark.usefixtures("_trusting")
@pytest.mark.parametrize("slow", [Reply(hang=True), Reply(drip=True)])
def test_timeout(tls_server: ChatServer, slow: Reply) -> None:
    tls_server.replies = [slow]
    with pytest.raises(EndpointError, match="within"):
        connect(tls_server, timeout_s=0.5).post(b"{}")


@pytest.mark.usefixtures("_trusting")
def test_stop(tls_server: ChatServer) -> None:
    tls_server.replies = [Reply(hang=True)]
    link = connect(tls_server)
    stopper = threading.Thread(target=lambda: (tls_server.asked.wait(20), link.token.stop("hotkey", "stopped")))
    stopper.start()
    with pytest.raises(Cancelled):
        link.post(b"{}")
    stopper.join(10)
