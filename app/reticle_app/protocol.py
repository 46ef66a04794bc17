"""The channel between the application and the model process: framed JSON headers with raw bytes behind them.

A message is ``magic (4) | header length (u32) | payload length (u64) | header (UTF-8 JSON object) | payload``,
big-endian. Pictures travel as RGB bytes, attention maps as little-endian float32; nothing that can carry code crosses.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias, cast

import numpy as np
from PIL import Image

from reticle_grounding.errors import BadInput, Cancelled, CheckpointError, ReticleError
from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform
from reticle_grounding.types import (
    Candidate,
    ElementSort,
    FloatMap,
    Grounding,
    Heard,
    HeardKind,
    Origin,
    ScreenElement,
)

Header: TypeAlias = dict[str, object]

MAGIC = b"RTC1"
MAX_HEADER = 16 << 20
MAX_PAYLOAD = 2 << 30
_PREFIX = struct.Struct("!4sIQ")

ERRORS: dict[str, type[ReticleError]] = {
    "BadInput": BadInput,
    "CheckpointError": CheckpointError,
    "Cancelled": Cancelled,
    "ReticleError": ReticleError,
}


class ProtocolError(ReticleError):
    """The other side sent something that is not a message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One framed message."""

    header: Header
    payload: bytes = b""


class Pixels:
    """The RGB bytes of a picture, copied out strip by strip: one long copy would hold up every other thread."""

    STRIP = 64

    def __init__(self, image: Image.Image) -> None:
        self._image = image if image.mode == "RGB" else image.convert("RGB")

    def __len__(self) -> int:
        return self._image.width * self._image.height * 3

    def parts(self) -> Iterator[bytes]:
        width, height = self._image.size
        for top in range(0, height, self.STRIP):
            yield self._image.crop((0, top, width, min(top + self.STRIP, height))).tobytes()


Payload: TypeAlias = bytes | Pixels


def write_message(stream: BinaryIO, header: Header, payload: Payload = b"") -> None:
    """Writes and flushes one message. Raises OSError when the other side is gone."""
    body = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    stream.write(_PREFIX.pack(MAGIC, len(body), len(payload)))
    stream.write(body)
    for part in payload.parts() if isinstance(payload, Pixels) else (payload,):
        stream.write(part)
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """The next message, or None at a clean end of the stream. Raises ProtocolError for anything else."""
    prefix = stream.read(_PREFIX.size)
    if not prefix:
        return None
    if len(prefix) < _PREFIX.size:
        raise ProtocolError("the model channel ended in the middle of a message")
    magic, n_header, n_payload = cast(tuple[bytes, int, int], _PREFIX.unpack(prefix))
    if magic != MAGIC or n_header > MAX_HEADER or n_payload > MAX_PAYLOAD:
        raise ProtocolError("the model channel carries something that is not a message")
    body, payload = stream.read(n_header), stream.read(n_payload)
    if len(body) < n_header or len(payload) < n_payload:
        raise ProtocolError("the model channel ended in the middle of a message")
    try:
        header = json.loads(body)
    except ValueError as error:
        raise ProtocolError("a message on the model channel is not valid JSON") from error
    if not isinstance(header, dict):
        raise ProtocolError("a message on the model channel is not a JSON object")
    return Message(header, payload)


def encode_error(error: ReticleError) -> Header:
    kind = next((cls.__name__ for cls in type(error).__mro__ if cls.__name__ in ERRORS), "ReticleError")
    return {"kind": kind, "text": str(error)}


def decode_error(data: object) -> ReticleError:
    fields = cast(Mapping[str, object], data) if isinstance(data, dict) else {}
    kind = ERRORS.get(str(fields.get("kind")), ReticleError)
    return kind(str(fields.get("text", "the model process reported an error without a text")))


def encode_transform(transform: Transform) -> Header:
    return {
        "spaces": [space.value for space in transform.spaces],
        "links": [[a.xx, a.xy, a.yx, a.yy, a.dx, a.dy] for a in transform.links],
    }


def decode_transform(data: object) -> Transform:
    fields = cast(Mapping[str, list[object]], data)
    links = tuple(Affine(*cast(list[float], link)) for link in fields["links"])
    return Transform(tuple(Space(value) for value in fields["spaces"]), links)


def encode_candidate(candidate: Candidate) -> Header:
    return {
        "rank": candidate.rank,
        "point": [candidate.point.x, candidate.point.y],
        "region": list(candidate.region.as_tuple()),
        "p_true": candidate.p_true,
        "attention_mass": candidate.attention_mass,
        "attention_mean": candidate.attention_mean,
        "origin": candidate.origin,
        "text": candidate.text,
        "evidence": dict(candidate.evidence),
        "line": candidate.line,
    }


def decode_candidate(data: object) -> Candidate:
    fields = cast(Mapping[str, object], data)
    return Candidate(
        rank=int(cast(int, fields["rank"])),
        point=Point(*cast(list[float], fields["point"])),
        region=Rect(*cast(list[float], fields["region"])),
        p_true=float(cast(float, fields["p_true"])),
        attention_mass=float(cast(float, fields["attention_mass"])),
        attention_mean=float(cast(float, fields["attention_mean"])),
        origin=cast(Origin, fields["origin"]),
        text=cast("str | None", fields["text"]),
        evidence=cast(Mapping[str, float], fields["evidence"]),
        line=cast("str | None", fields["line"]),
    )


def _encode_heard(heard: Heard) -> Header:
    return {
        "kind": heard.kind,
        "instruction": heard.instruction,
        "part": list(heard.part.as_tuple()),
        "point": None if heard.point is None else [heard.point.x, heard.point.y],
        "p_true": heard.p_true,
        "agrees": heard.agrees,
    }


def _decode_heard(data: object) -> Heard:
    fields = cast(Mapping[str, object], data)
    point = cast("list[float] | None", fields["point"])
    return Heard(
        kind=cast(HeardKind, fields["kind"]),
        instruction=str(fields["instruction"]),
        part=Rect(*cast(list[float], fields["part"])),
        point=None if point is None else Point(*point),
        p_true=cast("float | None", fields["p_true"]),
        agrees=bool(fields["agrees"]),
    )


def encode_grounding(grounding: Grounding) -> tuple[Header, bytes]:
    """Header and payload (the attention map, row-major float32, shape in the header)."""
    attention = np.ascontiguousarray(grounding.attention, dtype="<f4")
    header: Header = {
        "instruction": grounding.instruction,
        "image_size": [grounding.image_size.width, grounding.image_size.height],
        "candidates": [encode_candidate(c) for c in grounding.candidates],
        "found": grounding.found,
        "threshold": grounding.threshold,
        "attention_shape": list(attention.shape),
        "transform": encode_transform(grounding.transform),
        "timings_ms": dict(grounding.timings_ms),
        "model": grounding.model,
        "opinions": [_encode_heard(o) for o in grounding.opinions],
    }
    return header, attention.tobytes()


def decode_grounding(data: object, payload: bytes) -> Grounding:
    """Raises ProtocolError when fields are missing or the map's bytes do not fit its shape."""
    fields = cast(Mapping[str, object], data)
    try:
        return Grounding(
            instruction=str(fields["instruction"]),
            image_size=Size(*cast(list[int], fields["image_size"])),
            candidates=tuple(decode_candidate(c) for c in cast(list[object], fields["candidates"])),
            found=bool(fields["found"]),
            threshold=float(cast(float, fields["threshold"])),
            attention=_attention(payload, cast(list[int], fields["attention_shape"])),
            transform=decode_transform(fields["transform"]),
            timings_ms=cast(Mapping[str, float], fields["timings_ms"]),
            model=str(fields["model"]),
            opinions=tuple(_decode_heard(o) for o in cast(list[object], fields["opinions"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"the model process sent an answer that cannot be read ({error})") from error


def encode_elements(elements: Sequence[ScreenElement]) -> Header:
    return {"elements": [{"rect": list(e.rect.as_tuple()), "sort": e.sort, "text": e.text} for e in elements]}


def decode_elements(data: object) -> tuple[ScreenElement, ...]:
    """Raises ProtocolError when fields are missing."""
    try:
        rows = cast(Mapping[str, list[Mapping[str, object]]], data)["elements"]
        return tuple(
            ScreenElement(
                Rect(*cast(list[float], row["rect"])),
                cast(ElementSort, row["sort"]),
                cast("str | None", row["text"]),
            )
            for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"the model process sent elements that cannot be read ({error})") from error


def _attention(payload: bytes, shape: list[int]) -> FloatMap:
    return np.frombuffer(payload, dtype="<f4").reshape(shape).astype(np.float32)
