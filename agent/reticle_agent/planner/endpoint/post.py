"""One POST to the endpoint: bounded in time and size, ended by a stop, no redirects, no proxies, no cookies."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from reticle_agent.stop import StopToken
from reticle_grounding.errors import BadInput, ReticleError

from .address import Address

MAX_ANSWER = 1 << 20
"""Bytes of an answer; one tool call needs a few hundred."""
MAX_REQUEST = 16 << 20
CONNECT_S = 10.0
RETRY_S = 1.0
MAX_RETRY_S = 10.0
"""The longest ``Retry-After`` that is waited for."""
SHOWN = 200
"""Characters shown of what a server says about an error."""
_BUSY = frozenset({429, 502, 503, 504})


class EndpointError(ReticleError):
    """The endpoint could not be used; the text says what to do about it."""


class _PassingError(EndpointError):
    """Worth one more try."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = RETRY_S if wait_s is None else wait_s


@dataclass(frozen=True)
class Connection:
    """How an endpoint is spoken to; the key is never shown."""

    address: Address
    token: StopToken
    key: str | None = field(default=None, repr=False)
    timeout_s: float = 60.0
    """For one request, from connecting to the last byte."""

    def __post_init__(self) -> None:
        if self.key is not None and not (self.key.isascii() and self.key.isprintable() and " " not in self.key):
            raise BadInput("the endpoint's key holds characters that no key has (spaces, line ends or accents)")
        if not 0 < self.timeout_s <= 3600:
            raise BadInput(f"the endpoint's timeout is more than 0 and at most 3600 seconds, not {self.timeout_s:g}")

    def post(self, body: bytes) -> bytes:
        """The answer's body. A server that is busy or hangs up is asked once more.

        Raises EndpointError, or Cancelled when the run is stopped meanwhile.
        """
        if len(body) > MAX_REQUEST:
            raise EndpointError(f"the request has {len(body):,} bytes; at most {MAX_REQUEST:,} are sent")
        try:
            return self._once(body)
        except _PassingError as passing:
            self.token.sleep(passing.wait_s)
        return self._once(body)

    def _once(self, body: bytes) -> bytes:
        self.token.check()
        exchange = _Exchange(self)
        try:
            return exchange.run(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.token.check()
            if exchange.late or isinstance(error, TimeoutError):
                raise EndpointError(
                    f"{self.address} did not answer within {self.timeout_s:g} seconds; "
                    "use a smaller model or a longer timeout"
                ) from error
            if isinstance(error, ssl.SSLError):
                raise EndpointError(f"no secure connection to {self.address}: {self._clean(str(error))}") from error
            if isinstance(error, (ConnectionRefusedError, socket.gaierror)):
                raise EndpointError(f"nothing answers at {self.address}; is the server running?") from error
            raise _PassingError(f"{self.address} broke off the connection ({type(error).__name__})") from error

    def headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
        return headers | ({"Authorization": f"Bearer {self.key}"} if self.key else {})

    def checked(self, status: int, reason: str, headers: http.client.HTTPMessage, body: bytes) -> None:
        """Raises EndpointError for every status but 200."""
        if status == 200:
            return
        if 300 <= status < 400:
            raise EndpointError(
                f"{self.address} sends on to another address ({status}), which is never followed; "
                "give the final address itself"
            )
        said = self._clean(body.decode("utf-8", "replace"))
        message = f"{self.address} answered {status} {self._clean(reason)}" + (f": {said}" if said else "")
        if status in (401, 403):
            raise EndpointError(f"{message}; it needs {'another' if self.key else 'a'} key")
        if status == 404:
            raise EndpointError(f"{message}; check the address and the name of the model")
        if status in _BUSY:
            raise _PassingError(message, _retry_after(headers))
        raise EndpointError(message)

    def _clean(self, text: str) -> str:
        """What a server said, as one line without the key."""
        text = text.replace(self.key, "\u2022\u2022\u2022") if self.key else text
        flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return flat if len(flat) <= SHOWN else f"{flat[:SHOWN]}..."


class _Exchange:
    """One request and its answer; a timer and the stop end it from other threads."""

    def __init__(self, to: Connection) -> None:
        self._to = to
        self._link: http.client.HTTPConnection
        limit_s = min(CONNECT_S, to.timeout_s)
        if to.address.tls:
            context = ssl.create_default_context()
            self._link = http.client.HTTPSConnection(to.address.host, to.address.port, timeout=limit_s, context=context)
        else:
            self._link = http.client.HTTPConnection(to.address.host, to.address.port, timeout=limit_s)
        self._socket: socket.socket | None = None
        self._ended = False
        self.late = False

    def run(self, body: bytes) -> bytes:
        deadline = time.monotonic() + self._to.timeout_s
        timer = threading.Timer(self._to.timeout_s, self._out_of_time)
        timer.daemon = True
        timer.start()
        self._to.token.on_stop(self._hang_up)
        try:
            self._link.connect()
            self._socket = self._link.sock
            if self._ended:
                raise ConnectionAbortedError("ended while connecting")
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            self._link.request("POST", self._to.address.path, body, self._to.headers())
            answer = self._link.getresponse()
            data = self._read(answer)
            self._to.checked(answer.status, answer.reason, answer.headers, data)
            return data
        finally:
            timer.cancel()
            self._to.token.forget(self._hang_up)
            self._link.close()

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise EndpointError(f"{self._to.address} sent a compressed answer, which was not asked for")
        announced = answer.length or 0
        data = b"" if announced > MAX_ANSWER else answer.read(MAX_ANSWER + 1)
        if max(announced, len(data)) > MAX_ANSWER:
            raise EndpointError(f"{self._to.address} sent more than {MAX_ANSWER:,} bytes; one tool call is far smaller")
        if len(data) < announced or self._ended:  # a read of at most n bytes does not complain about fewer
            raise ConnectionAbortedError("the answer is cut off")
        return data

    def _out_of_time(self) -> None:
        self.late = True
        self._hang_up()

    def _hang_up(self) -> tuple[str, ...]:
        """Wakes a blocked read; the plain socket's way, since a TLS socket's would take its state from the reader."""
        self._ended = True
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        return ()


def _retry_after(headers: http.client.HTTPMessage) -> float | None:
    given = headers.get("Retry-After", "")
    return min(float(given), MAX_RETRY_S) if given.isdecimal() else None
