"""The model's own process: ``python -m reticle_app.worker [NUMBERS]`` reads requests on stdin and answers on stdout.

Requests carry ``op`` and ``id``; every answer repeats the ``id`` and has either ``ok`` or ``error``. Standard output is
moved aside at the start, so a stray print of any library ends up on stderr and cannot corrupt the channel.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias, runtime_checkable

import numpy as np
from PIL import Image

from reticle_agent.seams import Grounder, Observation
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.number_types import number_type

from .protocol import (
    Header,
    Message,
    encode_elements,
    encode_error,
    encode_grounding,
    read_message,
    write_message,
)
from .remote import told_to_worker
from .tuning import DEFAULT, Tuning

if TYPE_CHECKING:
    from reticle_grounding.ocr import TextBox

Opener: TypeAlias = Callable[[str, Tuning], Grounder]
Answer: TypeAlias = tuple[Header, bytes]


@runtime_checkable
class Readable(Protocol):
    """An observation that tells what was read on its picture."""

    @property
    def image(self) -> Image.Image: ...

    def texts(self) -> Sequence[TextBox]: ...


def open_predictor(
    model_dir: str, tuning: Tuning = DEFAULT, numbers: str | None = None, head: str | None = None
) -> Grounder:
    """Opens the model in ``model_dir`` (empty: the embedded one); this is where torch is first imported.

    ``numbers`` names what it computes in; None leaves it to the device. ``head`` is the file of a head that weighs the
    candidates; None is the shipped law.
    """
    from reticle_app.own_heads import with_head
    from reticle_grounding.options import GroundingConfig
    from reticle_grounding.predictor import Grounder as Predictor

    config = GroundingConfig(reading=tuning.reading, keep_ratio=tuning.keep_ratio)
    folder = Path(model_dir) if model_dir else None
    opened = Predictor.open(folder, config, None if numbers is None else number_type(numbers))
    return with_head(opened, None if head is None else Path(head))


class ModelServer:
    """Answers one request at a time; keeps the observations the application still holds."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._model_dir = ""
        self._grounders: dict[Tuning, Grounder] = {}
        self._observations: dict[int, Observation] = {}
        self._past: Grounder | None = None
        self._next = 1
        self._ops: dict[str, Callable[[Message], Answer]] = {
            "ping": self._ping,
            "open": self._open,
            "observe": self._observe,
            "ground": self._ground,
            "elements": self._elements,
            "drop": self._drop,
            "remember": self._remember,
            "end_past": self._end_past,
        }

    def answer(self, message: Message) -> Answer:
        """Never raises for a failing request: the failure is the answer."""
        head: Header = {"id": message.header.get("id")}
        operation = self._ops.get(str(message.header.get("op")))
        try:
            if operation is None:
                raise BadInput(f"the model process knows no operation {message.header.get('op')!r}")
            body, payload = operation(message)
        except ReticleError as error:
            return {**head, "error": encode_error(error)}, b""
        except Exception as error:  # the process must outlive a bug in one request; the traceback goes to the log
            traceback.print_exc()
            text = f"the model process failed: {type(error).__name__}: {error}"
            return {**head, "error": {"kind": "ReticleError", "text": text}}, b""
        return {**head, "ok": body}, payload

    def _ping(self, message: Message) -> Answer:
        return {"pid": os.getpid()}, b""

    def _open(self, message: Message) -> Answer:
        self._observations.clear()
        self._grounders.clear()
        self._past = None
        self._model_dir = str(message.header.get("model_dir", ""))
        grounder = self._grounders[DEFAULT] = self._opener(self._model_dir, DEFAULT)
        return {"name": grounder.name}, b""

    def _observe(self, message: Message) -> Answer:
        if not self._grounders:
            raise BadInput("open a model before observing a picture")
        size = (_int(message, "width"), _int(message, "height"))
        if min(size) < 1 or len(message.payload) != size[0] * size[1] * 3:
            raise BadInput(f"{len(message.payload)} bytes are not an RGB picture of {size[0]}x{size[1]}")
        grounder = (
            self._remembering() if message.header.get("past") else self._tuned(Tuning.from_header(message.header))
        )
        number, self._next = self._next, self._next + 1
        self._observations[number] = grounder.observe(Image.frombytes("RGB", size, message.payload))
        return {"observation": number}, b""

    def _ground(self, message: Message) -> Answer:
        observation = self._held(message)
        return encode_grounding(observation.ground(str(message.header["instruction"]), _int(message, "top_k")))

    def _elements(self, message: Message) -> Answer:
        from reticle_grounding.parsed import parse_screen

        observation = self._held(message)
        if not isinstance(observation, Readable):
            raise BadInput("this model does not tell what is on a screen")
        return encode_elements(parse_screen(np.asarray(observation.image), observation.texts())), b""

    def _held(self, message: Message) -> Observation:
        observation = self._observations.get(_int(message, "observation"))
        if observation is None:
            raise BadInput("this screenshot is no longer held by the model process; observe it again")
        return observation

    def _tuned(self, tuning: Tuning) -> Grounder:
        """The model opened with these options; kept, since a comparison asks for both again and again."""
        if tuning not in self._grounders:
            self._grounders[tuning] = self._opener(self._model_dir, tuning)
        return self._grounders[tuning]

    def _remember(self, message: Message) -> Answer:
        """From now on, pictures that come as those of a run are looked at one after the other."""
        from reticle_grounding.predictor import Grounder as Predictor
        from reticle_grounding.remembering import remembering

        inner = self._grounders.get(DEFAULT)
        if not isinstance(inner, Predictor):
            raise BadInput("the model that is open cannot keep a history of screenshots")
        folder = str(message.header.get("folder", ""))
        most, budget = _int(message, "most"), _int(message, "budget")
        self._past = None
        self._past = remembering(inner, most, budget, Path(folder) if folder else None)
        return {}, b""

    def _end_past(self, message: Message) -> Answer:
        from reticle_grounding.predictor import Grounder as Predictor
        from reticle_grounding.remembering import save_past

        past, self._past = self._remembering(), None
        assert isinstance(past, Predictor)
        return {"saved": save_past(past, Path(str(message.header["folder"])))}, b""

    def _remembering(self) -> Grounder:
        if self._past is None:
            raise BadInput("the model process keeps no history; it was started anew, and so must the run be")
        return self._past

    def _drop(self, message: Message) -> Answer:
        self._observations.pop(_int(message, "observation"), None)
        return {}, b""


def _int(message: Message, key: str) -> int:
    value = message.header.get(key)
    if not isinstance(value, int):
        raise BadInput(f"the request lacks a whole number {key!r}")
    return value


def take_channel() -> tuple[BinaryIO, BinaryIO]:
    """The private ends of stdin and stdout; afterwards fd 0 is empty and fd 1 is stderr."""
    reader = os.fdopen(os.dup(0), "rb", buffering=1 << 20)
    writer = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdout.flush()
    os.dup2(2, 1)
    return reader, writer


def serve(opener: Opener = open_predictor) -> int:
    """Answers until the application closes the channel; returns the exit code."""
    reader, writer = take_channel()
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(5)  # the person's desktop stays ahead of the model
    server = ModelServer(opener)
    while (message := read_message(reader)) is not None:
        try:
            write_message(writer, *server.answer(message))
        except BrokenPipeError:
            return 0
    return 0


if __name__ == "__main__":
    told = told_to_worker(sys.argv[1:])
    sys.exit(serve(partial(open_predictor, numbers=told.get("numbers"), head=told.get("head"))))
