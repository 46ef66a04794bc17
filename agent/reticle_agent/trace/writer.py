"""Writes a trace: what was handed over is on disk when the call returns, so a crash loses nothing finished."""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

from PIL import Image

from reticle_agent.seams import Display
from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Rect
from reticle_grounding.types import Grounding

from .content import content_name, map_bytes, masked_picture, png_bytes
from .facts import (
    CaptureFacts,
    LimitFacts,
    ModelFacts,
    PolicyFacts,
    Session,
    Source,
    base_manifest,
    display_facts,
    os_facts,
)
from .plain import JsonObject, JsonValue, to_json
from .redact import RULES, Redactor
from .schema import event_fault, manifest_fault
from .store import Journal, explained, new_folder, write_atomic

_RESERVED = frozenset({"seq", "t", "mono_ms", "type", "step"})


def new_trace_id() -> str:
    """16 random hex digits; says nothing about the user or the machine."""
    return secrets.token_hex(8)


class TraceWriter:
    """The ``TraceSink`` of a run. Safe to call from several threads; make it with :meth:`create`.

    Errors: ReticleError when the disk refuses, when an event does not fit the schema, and after the end.
    """

    def __init__(self, folder: Path, manifest: JsonObject, redactor: Redactor) -> None:
        self.folder = folder
        self._manifest = manifest
        self._redactor = redactor
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._seq = 0
        self._last_of: dict[int | None, int] = {}
        self._stored: dict[str, str] = {}
        self._frames_masked = 0
        self._finished = False
        for name in ("frames", "maps"):
            with explained(folder / name):
                (folder / name).mkdir(mode=0o700)
        self._write_manifest()
        self._journal = Journal(folder / "events.jsonl")

    @classmethod
    def create(
        cls,
        folder: Path | None,
        *,
        task: str,
        source: Source = "agent",
        models: Sequence[ModelFacts] = (),
        displays: Sequence[Display] = (),
        policy: PolicyFacts | None = None,
        limits: LimitFacts | None = None,
        capture: CaptureFacts | None = None,
        app_version: str = "0",
        session: Session | None = None,
        parent_id: str | None = None,
        consent: Mapping[str, object] | None = None,
        secrets: Sequence[str] = (),
    ) -> TraceWriter:
        """Starts a trace in ``folder``, which must be new or empty; None takes one in the temporary folder.

        ``secrets`` are masked in every text, the task's included. Raises BadInput when the folder cannot be used.
        """
        trace_id = new_trace_id()
        target = folder if folder is not None else Path(tempfile.gettempdir()) / f"reticle-{trace_id}"
        new_folder(target)
        redactor = Redactor()
        for secret in secrets:
            redactor.add(secret)
        facts: JsonObject = {
            "task": {"text": redactor.text(task), "parent_id": parent_id},
            "models": [to_json(model) for model in models],
            "os": os_facts(session),
            "displays": [display_facts(display) for display in displays],
            "capture": to_json(capture or CaptureFacts()),
            "limits": to_json(limits or LimitFacts()),
            "policy": to_json(policy or PolicyFacts(mode="confirm")),
            "privacy": {"rules": list(RULES), "frames_masked": 0, "text_masked": redactor.masked},
            "consent": to_json(consent),
            "result": None,
        }
        return cls(target, base_manifest(trace_id, _utc_now(), app_version, source) | facts, redactor)

    @property
    def id(self) -> str:
        return str(self._manifest["id"])

    def protect(self, secret: str) -> None:
        """Masks ``secret`` in every text from now on, and in the manifest when the run ends."""
        with self._lock:
            self._redactor.add(secret)

    def event(self, kind: str, /, *, step: int | None = None, **fields: object) -> int:
        """Appends one event and returns its ``seq``.

        ``from_`` is written as ``from``. ``parent_seq`` may be given; else it is the last event of the same step, for
        a step's first event the last one outside any step. A :class:`Secret` as a field is stored as its length.
        """
        with self._lock:
            if self._finished:
                raise ReticleError(f"the trace in {self.folder} is finished; the event '{kind}' came too late")
            given = {key.removesuffix("_"): value for key, value in fields.items()}
            if not _RESERVED.isdisjoint(given):
                raise ReticleError(
                    f"the fields {', '.join(sorted(_RESERVED & given.keys()))} are set by the trace itself"
                )
            record: JsonObject = {
                "seq": self._seq,
                "t": _utc_now(),
                "mono_ms": round((time.monotonic() - self._start) * 1000, 3),
                "type": kind,
                "step": step,
                "parent_seq": self._last_of.get(step, self._last_of.get(None)),
            }
            record |= self._redactor.absorb(given)
            fault = event_fault(record)
            if fault is not None:
                raise ReticleError(f"the event '{kind}' does not fit the trace format: {fault}")
            self._journal.append(_line(record))
            self._last_of[step] = self._seq
            self._seq += 1
            return self._seq - 1

    def frame(self, image: Image.Image, masks: Sequence[Rect] = ()) -> str:
        """Stores a picture once and returns its path inside the trace; ``masks`` (capture pixels) are painted over."""
        picture = masked_picture(image, masks) if masks else image.convert("RGB")
        key = f"{picture.size} {hashlib.sha256(picture.tobytes()).hexdigest()}"
        with self._lock:
            self._frames_masked += bool(masks)
            known = self._stored.get(key)
        return known or self._store("frames", key, png_bytes(picture), "png")

    def map(self, grounding: Grounding) -> str:
        """Stores the attention map and returns its path inside the trace."""
        data = map_bytes(grounding)
        return self._store("maps", content_name(data), data, "npz")

    def finish(self, status: str, *, by: str = "agent", score: float | None = None) -> None:
        """Writes the result into the manifest and closes the trace; a second call changes nothing."""
        with self._lock:
            if self._finished:
                return
            self._manifest["result"] = {"status": status, "score": score, "by": by, "at": _utc_now()}
            self._write_manifest()
            self._close()

    def close(self) -> None:
        """Lets go of the files without a result, as a crash would; after :meth:`finish` it does nothing."""
        with self._lock:
            if not self._finished:
                self._close()

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _close(self) -> None:
        self._finished = True
        self._journal.close()

    def _store(self, folder: str, key: str, data: bytes, suffix: str) -> str:
        name = f"{folder}/{content_name(data)}.{suffix}"
        with self._lock:
            path = self.folder / name
            if not path.exists():
                write_atomic(path, data)
            self._stored[key] = name
        return name

    def _write_manifest(self) -> None:
        """Written before the first event and replaced at the end, with the counts and masks of that moment."""
        task = self._manifest["task"]
        self._manifest["task"] = self._redactor.object(task) if isinstance(task, dict) else task
        self._manifest["privacy"] = {
            "rules": list(RULES),
            "frames_masked": self._frames_masked,
            "text_masked": self._redactor.masked,
        }
        fault = manifest_fault(self._manifest)
        if fault is not None:
            raise ReticleError(f"the manifest does not fit the trace format: {fault}")
        text = json.dumps(self._manifest, indent=2, ensure_ascii=False, allow_nan=False)
        write_atomic(self.folder / "manifest.json", (text + "\n").encode("utf-8", "replace"))
        write_atomic(self.folder / "redactions.json", (json.dumps(self._receipt(), indent=2) + "\n").encode())

    def _receipt(self) -> JsonObject:
        """What was masked, by which rule and how often; never what it was or how long."""
        return {
            "schema": "redactions/1",
            "trace": self.id,
            "texts": {rule: self._redactor.by_rule[rule] for rule in RULES},
            "frames": {"parts of frames are painted over": self._frames_masked},
        }


def _utc_now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(record: Mapping[str, JsonValue]) -> bytes:
    """One line of UTF-8; half a surrogate pair, which UTF-8 cannot hold, is escaped."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":")).encode("ascii")
