"""The server does what its OpenAPI document says, asked by schemathesis with requests made from the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from app_fakes.serving import TOKEN, Client, in_base64
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
OPERATIONS = [
    ("POST", "/v1/ground"),
    ("POST", "/v1/act"),
    ("POST", "/v1/stop"),
    ("GET", "/v1/traces"),
    ("GET", "/v1/traces/{name}"),
]
WAIT_S = 60.0
"""A busy machine may keep a request waiting; as long as :class:`Client` waits."""
NO_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY")


def contract(client: Client, method: str, path: str, examples: int) -> list[int]:
    """Asks one operation, as documented and not as documented, and checks each answer. Returns the status codes."""
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    shown = {"Authorization": f"Bearer {TOKEN}"}
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{client.port}/openapi.json", headers=shown)
    operation = schema[path][method]
    asked = [operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
    codes: list[int] = []

    # text in base64 need not be a picture, nor words a task or a name: a document cannot say that
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=st.one_of(asked))
    def check(case: Any) -> None:
        answer = case.call_and_validate(
            headers=None if _leaves_out_the_token(case) else shown,
            timeout=WAIT_S,
            excluded_checks=[positive_data_acceptance],
        )
        codes.append(answer.status_code)

    check()
    return codes


def _leaves_out_the_token(case: Any) -> bool:
    """Whether the missing token may be all that is wrong with a request: put back, nothing would be left to refuse."""
    from schemathesis.core.parameters import ParameterLocation

    headers = case.meta.components.get(ParameterLocation.HEADER)
    return headers is not None and headers.mode.is_negative and "authorization" not in map(str.lower, case.headers)


@pytest.fixture
def client(start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> Client:
    for name in NO_DISPLAY:  # nothing that is asked for here may reach a desktop
        monkeypatch.delenv(name, raising=False)
    return start()


def test_every_operation_is_asked(client: Client) -> None:
    document = client.ask("GET", "/openapi.json").json
    known = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    assert sorted(known) == sorted(OPERATIONS)
    for methods in document["paths"].values():
        for about in methods.values():
            assert about["security"], "an operation does not say that it wants the token"


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_are_as_documented(client: Client, method: str, path: str) -> None:
    codes = contract(client, method, path, 5)
    assert len(codes) > 1
    assert max(codes) <= 503
    assert 500 not in codes
    picture = {"image": in_base64(), "instruction": "red"}
    assert client.ask("POST", "/v1/ground", picture).status == 200, "the server was harmed"


@pytest.mark.slow
@pytest.mark.timeout(3600)  # a thousand requests to act take minutes on a machine at rest
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_are_as_documented_for_many_requests(client: Client, method: str, path: str) -> None:
    codes = contract(client, method, path, 1000)
    assert 500 not in codes
    assert 401 in codes, "no request left out the token"
    assert client.ground("red").status == 200
