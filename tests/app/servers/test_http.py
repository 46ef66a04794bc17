"""The HTTP server over real sockets: who may ask, what is answered, and that one request cannot hold up the others."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from app_fakes.serving import TOKEN, Client, in_base64, png, squares
from PIL import Image

from reticle_app.server.answers import NOTICE
from reticle_app.server.guard import Limits
from reticle_app.server.host import HostOptions, picture_bytes
from reticle_grounding.errors import BadInput

Start = Callable[..., Client]


def test_a_picture_is_grounded(start: Start) -> None:
    answer = start().ground("the red square", top_k=2, map=True)
    assert answer.status == 200, answer.body
    shown = answer.json
    assert (shown["width"], shown["height"], shown["found"]) == (280, 168, True)
    assert [c["rank"] for c in shown["candidates"]] == [1, 2]
    x, y = shown["candidates"][0]["point"]
    assert 28 <= x <= 84
    assert 28 <= y <= 84
    assert sum(map(sum, shown["map"]["values"])) == pytest.approx(1, abs=1e-3)
    assert len(shown["map"]["values"]) == shown["map"]["rows"]
    assert shown["notice"] == NOTICE


def test_several_instructions_share_one_look(start: Start) -> None:
    client = start()
    points = [client.ground(f"the {colour} square").json["candidates"][0]["point"] for colour in ("red", "blue", "red")]
    assert points[0] == points[2] != points[1]
    assert client.reticle._seen is not None
    assert client.reticle._seen[1]._number == 1, "the same picture was looked at again"


REFUSED = {
    "no token": ({"authorization": None}, 401, "unauthorized"),
    "wrong token": ({"authorization": "Bearer " + "x" * len(TOKEN)}, 401, "unauthorized"),
    "token as basic": ({"authorization": f"Basic {TOKEN}"}, 401, "unauthorized"),
    "another name": ({"host": "evil.example"}, 403, "forbidden_host"),
    "name that begins like ours": ({"host": "127.0.0.1.evil.example:80"}, 403, "forbidden_host"),
    "a web page": ({"origin": "https://evil.example"}, 403, "forbidden_origin"),
    "a page from a file": ({"origin": "null"}, 403, "forbidden_origin"),
    "another port of this machine": ({"origin": "http://127.0.0.1:1"}, 403, "forbidden_origin"),
}


@pytest.mark.parametrize("why", list(REFUSED))
def test_who_may_not_ask(start: Start, why: str) -> None:
    headers, status, kind = REFUSED[why]
    client = start()
    for method, path in (("GET", "/v1/traces"), ("GET", "/openapi.json"), ("POST", "/v1/stop"), ("GET", "/nothing")):
        answer = client.ask(method, path, **headers)
        assert (answer.status, answer.kind) == (status, kind)
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_own_origin_may_ask(start: Start) -> None:
    client = start()
    own = f"127.0.0.1:{client.port}"
    assert client.ask("GET", "/v1/traces", origin=f"http://{own}").status == 200
    assert client.ask("GET", "/v1/traces", host=f"localhost:{client.port}").status == 200


BAD = {
    "no picture": ({"image": "AAAA"}, 400, "no picture"),
    "not base64": ({"image": "§§"}, 400, "not base64"),
    "half a picture": ({"image": in_base64()[:120]}, 400, "cut short"),
    "a gif": ({"image": "R0lGODlhAQABAAAAACw="}, 400, "send PNG, JPEG, WEBP"),
    "no words": ({"instruction": "  "}, 400, "instruction"),
    "too many words": ({"instruction": "x" * 2001}, 422, "instruction"),
    "too many candidates": ({"top_k": 21}, 422, "top_k"),
    "top_k as text": ({"top_k": "5"}, 422, "top_k"),
    "a misspelt field": ({"picture": "x"}, 422, "picture"),
}


@pytest.mark.parametrize("what", list(BAD))
def test_what_is_wrong_is_named(start: Start, what: str) -> None:
    changes, status, words = BAD[what]
    answer = start().ask("POST", "/v1/ground", {"image": in_base64(), "instruction": "red", **changes})
    assert answer.status == status, answer.body
    assert words in answer.json["error"]["message"]
    assert "x" * 100 not in answer.body.decode()


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(start: Start) -> None:
    client = start(max_pixels=100_000)
    large = in_base64(Image.new("RGB", (400, 300)))
    answer = client.ask("POST", "/v1/ground", {"image": large, "instruction": "red"})
    assert (answer.status, answer.kind) == (400, "bad_input")
    assert "400x300" in answer.json["error"]["message"]
    assert client.ground("red").status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\xfe", b'{"a":' * 3000, b"null"])
def test_what_is_no_request_is_refused(start: Start, body: bytes) -> None:
    answer = start().ask("POST", "/v1/ground", body)
    assert answer.status in {400, 422}
    assert answer.json["error"]["message"]


def test_large_requests_are_refused_announced_or_not(start: Start) -> None:
    client = start(limits=Limits(max_body=5000))
    assert client.ask("POST", "/v1/ground", content_length="5001").kind == "too_large"
    assert client.ask("POST", "/v1/ground", content_length="nonsense").status == 400
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    connection.request("POST", "/v1/ground", iter([b"x" * 3000, b"x" * 3000]), headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_a_request_that_does_not_end_is_given_up(start: Start) -> None:
    client = start(limits=Limits(body_s=0.3))
    with socket.create_connection(("127.0.0.1", client.port), timeout=30) as line:
        head = (
            f"POST /v1/ground HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n"
        )
        line.sendall(head.encode() + b"{")
        assert line.recv(4096).startswith(b"HTTP/1.1 408")


def test_unknown_paths_and_methods_are_told_in_the_same_form(start: Start) -> None:
    client = start()
    assert client.ask("GET", "/v1/nothing").kind == "not_found"
    wrong = client.ask("GET", "/v1/ground")
    assert (wrong.status, wrong.kind, wrong.headers["allow"]) == (405, "method_not_allowed", "POST")


def test_one_at_a_time_and_no_more_than_may_wait(start: Start) -> None:
    client = start(max_waiting=1)
    assert client.ground("red").status == 200
    slow: list[int] = []
    threads = [threading.Thread(target=lambda: slow.append(client.ground("slow red").status)) for _ in range(2)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        _until(lambda number=number: client.reticle._turns.length == number)
    turned_away = client.ground("red")
    assert (turned_away.status, turned_away.kind, turned_away.headers["retry-after"]) == (429, "busy", "2")
    for thread in threads:
        thread.join()
    assert slow == [200, 200]


def test_what_takes_too_long_is_given_up_and_the_next_is_answered(start: Start) -> None:
    client = start(HostOptions(timeout_s=30))
    assert client.ground("red").status == 200
    first = client.reticle._grounder.pid
    client.host._options = HostOptions(timeout_s=0.5)
    late = client.ground("slow red")
    assert (late.status, late.kind) == (504, "too_long")
    client.host._options = HostOptions(timeout_s=30)
    assert client.ground("red").status == 200
    assert client.reticle._grounder.pid != first, "the process that hangs was kept"


def test_the_death_of_the_model_is_one_answer_and_the_next_has_a_fresh_one(start: Start) -> None:
    client = start()
    answer = client.ground("crash")
    assert (answer.status, answer.kind) == (503, "unable")
    assert "ended" in answer.json["error"]["message"]
    assert client.ground("red").status == 200


def test_a_bug_in_the_model_is_one_answer(start: Start) -> None:
    client = start()
    assert client.ground("boom").status == 503
    assert client.ground("red").status == 200


def test_only_names_of_traces_are_read(start: Start, tmp_path: Path) -> None:
    client = start()
    assert client.ask("GET", "/v1/traces").json["traces"] == []
    (tmp_path / "traces").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "traces" / "link").symlink_to(tmp_path / "outside")
    for name in ("..", "%2e%2e", "..%2Foutside", "%2Fetc", "link", "a%00b", "x" * 300):
        answer = client.ask("GET", f"/v1/traces/{name}")
        assert answer.status in {400, 404}, name
        assert "error" in answer.json


def test_pictures_in_base64_with_and_without_a_prefix() -> None:
    text = in_base64()
    assert picture_bytes(text) == picture_bytes(f"data:image/png;base64,{text}") == png(squares())
    assert picture_bytes(text[:40] + "\n" + text[40:]) == png(squares())
    for bad in ("data:text/html;base64,AAAA", "A", "é"):
        with pytest.raises(BadInput, match="base64"):
            picture_bytes(bad)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 30 s"
        time.sleep(0.005)
