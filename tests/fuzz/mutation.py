"""Damaged copies of good inputs, the same ones for the same seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**30, 10**400, 0.5, -0.0, 1e-320, 1e308, float("inf"), float("nan"))
TEXTS = (
    "", " ", "\0", "\n", "a\u202eb\u200b", "\ud800", "\U0001f600" * 3, "x" * 3000, "é" * 50, "null", "1e999",
    "../../etc",
    "/etc/passwd", "%s%n", "{{7*7}}", "<script>", "\u2028", "'", '"', "`", "[31m", "٣", "ß", "İ", "\ufeff",
)  # fmt: skip
WORDS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"NaN",
    b"1e9999",
    b"-",
    b"\xff\xfe",
)
BYTES = bytes(range(256))


def deep(rng: Random, levels: int | None = None) -> Any:
    """A value nested by up to so many levels as parsers and printers have to refuse or survive."""
    value: Any = rng.choice(NUMBERS[:6])
    for _ in range(rng.choice((3, 30, 300, 900, 3000)) if levels is None else levels):
        value = [value] if rng.random() < 0.7 else {"a": value}
    return value


def odd_value(rng: Random) -> Any:
    kind = rng.randrange(9)
    if kind < 3:
        return rng.choice(NUMBERS)
    if kind < 6:
        return rng.choice(TEXTS)
    if kind == 6:
        return deep(rng, rng.choice((1, 2, 40, 200)))
    return rng.choice((None, True, False, [], {}, [None] * 5, {"": None}, {"type": "x"}))


def odd_document(rng: Random, document: Any, others: Sequence[Any] = ()) -> Any:
    """One to four places of a JSON document replaced, renamed, dropped, doubled or taken from another one."""
    document = json.loads(json.dumps(document))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        holder: Any = document
        for _ in range(rng.randrange(6)):
            inner = [v for v in (holder.values() if isinstance(holder, dict) else holder) if isinstance(v, dict | list)]
            if not inner:
                break
            holder = rng.choice(inner)
        if isinstance(holder, dict) and holder:
            key = rng.choice(sorted(holder))
            _change(rng, holder, key, others)
        elif isinstance(holder, list) and holder:
            at = rng.randrange(len(holder))
            if rng.random() < 0.2:
                del holder[at]
            else:
                holder[at] = odd_value(rng)
    return document


def _change(rng: Random, holder: dict[str, Any], key: str, others: Sequence[Any]) -> None:
    what = rng.random()
    if what < 0.55:
        holder[key] = odd_value(rng)
    elif what < 0.7:
        del holder[key]
    elif what < 0.8:
        holder[rng.choice((key + "_", key.upper(), "", "x"))] = holder.pop(key)
    elif what < 0.9 and isinstance(holder[key], str):
        holder[key] = odd_text(rng, holder[key])
    else:
        other = rng.choice(others) if others else {}
        holder[key] = other.get(key, odd_value(rng)) if isinstance(other, dict) else odd_value(rng)


def as_json(rng: Random, document: Any) -> bytes:
    """Text in UTF-8; what JSON cannot say (half a surrogate, infinity) stands there all the same."""
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5)
    return text.encode("utf-8", rng.choice(("surrogatepass", "replace")))


def odd_bytes(rng: Random, data: bytes, others: Sequence[bytes] = (), words: Sequence[bytes] = WORDS) -> bytes:
    """One to eight changes: bits, bytes, cuts, doubled parts, words put in, and the rest of another input."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        size, what = len(changed), rng.randrange(8)
        at = rng.randrange(size + 1)
        if what == 0 and at < size:
            changed[at] ^= 1 << rng.randrange(8)
        elif what == 1 and at < size:
            changed[at] = rng.choice(BYTES)
        elif what == 2:
            changed[at:at] = rng.choice(words)
        elif what == 3:
            del changed[at : at + rng.choice((1, 2, 4, 16, 200))]
        elif what == 4:
            changed[at:at] = changed[at : at + rng.choice((1, 4, 40, 400))]
        elif what == 5:
            changed[at : at + 4] = rng.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\x4e\x20"))
        elif what == 6 and others:
            changed[at:] = rng.choice(others)[rng.randrange(size + 1) :]
        else:
            del changed[at:]
    return bytes(changed)


def odd_text(rng: Random, text: str, words: Sequence[str] = TEXTS) -> str:
    """As :func:`odd_bytes`, by characters."""
    changed = list(text)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, what = rng.randrange(len(changed) + 1), rng.randrange(5)
        if what == 0:
            changed[at : at + 1] = chr(rng.choice((rng.randrange(128), rng.randrange(0x3000), rng.randrange(0x110000))))
        elif what == 1:
            changed[at:at] = rng.choice(words)
        elif what == 2:
            del changed[at : at + rng.choice((1, 3, 20))]
        elif what == 3:
            changed[at:at] = changed[at : at + rng.choice((1, 10, 60))]
        else:
            changed[at:at] = rng.choice(" ,.;:'\"“”‘’()[]+-\n\t")
    return "".join(changed)
