"""Headers of safetensors files, read without loading a tensor.

A file begins with the length of its header (unsigned, 8 bytes, little-endian); the header is a JSON object of tensors
with ``dtype``, ``shape`` and ``data_offsets`` into the bytes that follow (safetensors format description).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import StoreError

LENGTH_BYTES = 8
MAX_HEADER = 100_000_000
"""The limit of the format's own reader."""
FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
WHOLE = {"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}
ITEM_BYTES = FLOATS | WHOLE

ReadBytes = Callable[[int, int], bytes]
"""(start, count) -> at most so many bytes of a file."""


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """What a file says about one tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def numbers(self) -> int:
        return math.prod(self.shape)

    @property
    def floating(self) -> bool:
        return self.dtype in FLOATS

    @property
    def stored_bytes(self) -> int:
        return self.numbers * ITEM_BYTES[self.dtype]


def read_headers(name: str, size: int, read: ReadBytes) -> list[TensorHeader]:
    """The tensors of a file of ``size`` bytes. Raises StoreError naming a file that is no whole safetensors."""
    start = read(0, LENGTH_BYTES)
    length = int.from_bytes(start, "little") if len(start) == LENGTH_BYTES else -1
    if not 0 < length <= min(MAX_HEADER, size - LENGTH_BYTES):
        raise StoreError(f"{name} is not a safetensors file")
    text = read(LENGTH_BYTES, length)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise StoreError(f"{name} is not a safetensors file: its header is no JSON") from error
    if len(text) != length or not isinstance(content, dict):
        raise StoreError(f"{name} is not a safetensors file")
    content.pop("__metadata__", None)
    found = [_tensor(name, tensor, about) for tensor, about in content.items()]
    end = 0
    for header, (begin, stop) in sorted(found, key=lambda pair: pair[1]):
        if begin != end or stop - begin != header.stored_bytes:
            raise StoreError(f"{name}: the bytes of {header.name} do not fit its shape")
        end = stop
    if LENGTH_BYTES + length + end != size:
        raise StoreError(
            f"{name} has {size} bytes, its header speaks of {LENGTH_BYTES + length + end}: it is cut short"
        )
    return [header for header, _ in found]


def headers_of(path: Path) -> list[TensorHeader]:
    """The tensors of a file on disk. Raises StoreError as :func:`read_headers`."""
    try:
        with path.open("rb") as file:

            def read(start: int, count: int) -> bytes:
                file.seek(start)
                return file.read(count)

            return read_headers(path.name, path.stat().st_size, read)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error


def _tensor(file: str, name: str, about: object) -> tuple[TensorHeader, tuple[int, int]]:
    try:
        dtype, shape, (begin, end) = about["dtype"], about["shape"], about["data_offsets"]  # type: ignore[index]
        sizes = [*shape, begin, end]
    except (TypeError, KeyError, ValueError) as error:
        raise StoreError(f"{file}: the header says nothing usable about {name}") from error
    if dtype not in ITEM_BYTES or any(type(size) is not int or size < 0 for size in sizes):
        raise StoreError(f"{file}: the header says nothing usable about {name} (dtype {dtype})")
    return TensorHeader(name, dtype, tuple(shape)), (begin, end)
