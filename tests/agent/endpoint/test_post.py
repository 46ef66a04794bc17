"""One request to a local server, which may be slow, rude or gone."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from agent_fakes.chat_server import ChatServer, Reply

from reticle_agent.planner.endpoint.address import parse_address
from reticle_agent.planner.endpoint.post import MAX_ANSWER, MAX_REQUEST, Connection, EndpointError
from reticle_agent.stop import StopToken
from reticle_grounding.errors import BadInput, Cancelled

KEY = "sk-test-123456789"


def connect(server: ChatServer, **options: object) -> Connection:
    return Connection(parse_address(server.url), StopToken(), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "shown", "loopback"),
    [
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions", True),
        ("http://localhost:8080/v1/", "http://localhost:8080/v1/chat/completions", True),
        ("http://[::1]:8080", "http://[::1]:8080/chat/completions", True),
        ("https://models.example/v1", "https://models.example:443/v1/chat/completions", False),
        ("https://models.example/v1/chat/completions", "https://models.example:443/v1/chat/completions", False),
        ("HTTP://127.9.9.9/", "http://127.9.9.9:80/chat/completions", True),
    ],
)
def test_addresses(url: str, shown: str, loopback: bool) -> None:
    address = parse_address(url)
    assert (str(address), address.loopback) == (shown, loopback)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/passwd", "must begin with http"),
        ("ftp://host/v1", "must begin with http"),
        ("127.0.0.1:11434", "must begin with http"),
        ("http://", "names no host"),
        ("http://127.0.0.1:0/v1", "names no host"),
        ("http://127.0.0.1:99999/v1", "cannot be read"),
        ("http://[::1/v1", "cannot be read"),
        ("http://user:key@127.0.0.1/v1", "must not hold a user or a key"),
        ("http://127.0.0.1/v1?key=abc", "without ? and #"),
        ("http://127.0.0.1/v1\r\nX-Other: 1", "spaces or characters"),
        ("http://models.example/v1", "another machine"),
        ("http://127.0.0.1.models.example/v1", "another machine"),
        ("http://0x7f.0.0.1/v1", "another machine"),
        ("http://192.168.1.5:8000/v1", "another machine"),
        ("http://localhost.models.example/v1", "another machine"),
    ],
)
def test_bad_addresses(url: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_address(url)
    assert said in str(refused.value)
    assert "key@" not in str(refused.value)


def test_plain_http_to_another_machine_must_be_allowed() -> None:
    assert str(parse_address("http://192.168.1.5:8000/v1", allow_plain=True)).startswith("http://192.168.1.5")


def test_key_is_sent_in_the_header_and_never_shown(server: ChatServer) -> None:
    server.replies = [Reply(b"{}"), Reply(f"bad key {KEY}\x1b[2J".encode(), 401)]
    link = connect(server, key=KEY)
    assert link.post(b"{}") == b"{}"
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert server.paths == ["/v1/chat/completions"]
    with pytest.raises(EndpointError, match="needs another key") as refused:
        link.post(b"{}")
    assert KEY not in str(refused.value) + repr(link)
    assert str(refused.value).isprintable()


def test_no_key_sends_no_header(server: ChatServer) -> None:
    server.replies = [Reply(b"{}")]
    connect(server).post(b"{}")
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize("key", ["two words", "line\nend", "sch\u00fctz", "tab\t"])
def test_keys_that_could_break_a_header_are_refused(server: ChatServer, key: str) -> None:
    with pytest.raises(BadInput, match="no key has") as refused:
        connect(server, key=key)
    assert key not in str(refused.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(server: ChatServer, status: int) -> None:
    server.replies = [Reply(b"", status, {"Location": "http://models.example/v1"})]
    with pytest.raises(EndpointError, match="never followed"):
        connect(server, key=KEY).post(b"{}")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_errors_are_told_once(server: ChatServer, status: int) -> None:
    server.replies = [Reply(b'{"error":"out of memory"}', status)]
    with pytest.raises(EndpointError, match=rf"{status} .*out of memory"):
        connect(server).post(b"{}")
    assert len(server.requests) == 1


@pytest.mark.parametrize("first", [Reply(b"busy", 503, {"Retry-After": "9"}), Reply(b"", 429), Reply(drop=True)])
def test_passing_trouble_is_tried_once_more(server: ChatServer, first: Reply) -> None:
    server.replies = [first, Reply(b"{}")]
    assert connect(server).post(b"{}") == b"{}"
    server.replies = [first, first]
    with pytest.raises(EndpointError):
        connect(server).post(b"{}")
    assert len(server.requests) == 4


def test_cut_off_answer(server: ChatServer) -> None:
    server.replies = [Reply(b'{"choices"', announced=1000)] * 2
    with pytest.raises(EndpointError, match="broke off"):
        connect(server).post(b"{}")


@pytest.mark.parametrize("announced", [None, MAX_ANSWER + 1])
def test_huge_answer_is_not_read(server: ChatServer, announced: int | None) -> None:
    server.replies = [Reply(b" " * (MAX_ANSWER + 1), announced=announced)]
    with pytest.raises(EndpointError, match="sent more than"):
        connect(server).post(b"{}")


def test_huge_request_is_not_sent(server: ChatServer) -> None:
    with pytest.raises(EndpointError, match="at most"):
        connect(server).post(b" " * (MAX_REQUEST + 1))
    assert server.requests == []


def test_compressed_answer_is_refused(server: ChatServer) -> None:
    server.replies = [Reply(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})]
    with pytest.raises(EndpointError, match="compressed"):
        connect(server).post(b"{}")


@pytest.mark.parametrize("slow", [Reply(hang=True), Reply(drip=True)])
def test_slow_answer_ends_at_the_timeout(server: ChatServer, slow: Reply) -> None:
    server.replies = [slow]
    start = time.monotonic()
    with pytest.raises(EndpointError, match=r"within 0\.3 seconds"):
        connect(server, timeout_s=0.3).post(b"{}")
    assert time.monotonic() - start < 20
    assert len(server.requests) == 1


def test_stop_ends_the_waiting(server: ChatServer) -> None:
    server.replies = [Reply(hang=True)]
    link = connect(server)
    stopper = threading.Thread(target=lambda: (server.asked.wait(20), link.token.stop("hotkey", "stopped")))
    stopper.start()
    with pytest.raises(Cancelled, match="stopped"):
        link.post(b"{}")
    stopper.join(10)
    with pytest.raises(Cancelled):
        link.post(b"{}")
    assert len(server.requests) == 1


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(EndpointError, match="is the server running"):
            Connection(parse_address(url), StopToken()).post(b"{}")


def test_plain_server_behind_https(server: ChatServer) -> None:
    link = Connection(parse_address(f"https://127.0.0.1:{server.port}/v1"), StopToken())
    with pytest.raises(EndpointError, match="no secure connection"):
        link.post(b"{}")


def test_timeout_is_checked(server: ChatServer) -> None:
    with pytest.raises(BadInput, match="timeout"):
        connect(server, timeout_s=0)
