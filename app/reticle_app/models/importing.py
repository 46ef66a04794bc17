"""Taking a model from a folder on this machine, checked as a download is; nothing is asked over the network."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reticle_grounding.errors import BadInput

from .contents import CONFIG, MAX_JSON, PROCESSOR, check_processor, parse_json, select
from .digests import CHUNK, Digests, Expected, Hasher
from .errors import NoSpace, StoreError
from .headers import headers_of
from .known import known
from .plan import Kept, Plan, Source, make_plan
from .pull import BytesDone
from .store import FileRecord, Store

_CARD = "README.md"
_FIELD = re.compile(r"^(license|license_name|base_model):[ \t]*([A-Za-z0-9][A-Za-z0-9._/+-]*)?[ \t]*$")
_ITEM = re.compile(r"^[ \t]*-[ \t]+([A-Za-z0-9][A-Za-z0-9._/+-]*)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Import:
    """A model in a folder that can be taken."""

    plan: Plan
    folder: Path
    expected: Mapping[str, Expected]
    """By file name, for those files whose checksum somebody told."""


def prepare(
    folder: Path,
    name: str | None = None,
    repository: str | None = None,
    revision: str | None = None,
    sums: Mapping[str, str] | None = None,
) -> Import:
    """Looks through a folder without changing anything.

    Args:
        repository: where the model was published, for its licence; told from the folder's name when it is a known one.
        sums: file name -> SHA-256, which every file named must have.

    Raises BadInput for a folder this program would not open or that lacks a file of ``sums``, StoreError for files
    that are no safetensors.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder")
    where = str(folder)

    def read_json(file: str) -> dict[str, object]:
        return parse_json(where, file, _read_small(folder / file))

    names = [path.name for path in folder.iterdir() if path.is_file()]
    selection = select(where, names, read_json)
    lacking = sorted((sums or {}).keys() - set(names))
    if lacking:
        raise BadInput(f"{folder} lacks {lacking[0]}, which the checksums name")
    config = read_json(CONFIG)
    headers = [header for file in selection.weights for header in headers_of(folder / file)]
    own = _own_name(folder) if name is None else name
    entry = known(repository or own)
    licence, bases = _card_of(folder / _CARD) if _CARD in selection.others else (None, ())
    origin = str(folder.resolve())
    source = Source(repository or (entry.repository if entry else None), revision, origin, licence, bases)
    size = sum((folder / file).stat().st_size for file in selection.names)
    expected = {file: _expected(folder, file, sums or {}) for file in selection.names}
    plan = make_plan(own, source, selection, size, config, headers)
    check_processor(where, config, read_json(PROCESSOR))
    return Import(plan, folder, expected)


def take(store: Store, job: Import, progress: BytesDone) -> Kept:
    """Copies the files, checks them on the way, and keeps the model; after an error nothing of it stays.

    Raises NoSpace when the disk is too small or full, StoreError for a file with another checksum.
    """
    plan = job.plan
    store.check_free(plan.name)
    store.check_space(plan.size)
    done = 0

    def more(count: int) -> None:
        nonlocal done
        done += count
        progress(done, plan.size)

    with store.at_work(plan.name) as staged:
        try:
            for old in staged.iterdir():
                old.unlink()
            records = []
            for file in plan.selection.names:
                size, digests = _copy(job.folder / file, staged / file, more)
                job.expected[file].check(file, digests)
                kind = job.expected[file].kind
                records.append(FileRecord(name=file, size=size, sha256=digests.sha256, checked=kind))
            record = plan.record(records)
            return Kept(record, store.add(staged, record), plan.size)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def _copy(source: Path, target: Path, more: Callable[[int], None]) -> tuple[int, Digests]:
    size = source.stat().st_size
    hasher, copied = Hasher(size), 0
    try:
        with source.open("rb") as read, target.open("wb") as written:
            while data := read.read(CHUNK):
                hasher.update(data)
                written.write(data)
                copied += len(data)
                more(len(data))
            written.flush()
            os.fsync(written.fileno())
    except OSError as error:
        raise NoSpace(f"cannot copy {source} to {target.parent}: {error.strerror}") from error
    if copied != size:
        raise StoreError(f"{source} changed while it was copied")
    return size, hasher.digests()


def _read_small(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_JSON:
            raise BadInput(f"{path} is too large")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error


def _own_name(folder: Path) -> str:
    """The folder's name; in the hub's cache (``models--owner--name/snapshots/commit``) the model's."""
    parts = folder.resolve().parts
    if len(parts) >= 3 and parts[-2] == "snapshots" and parts[-3].startswith("models--"):
        return parts[-3].rpartition("--")[2]
    return parts[-1]


def _expected(folder: Path, file: str, sums: Mapping[str, str]) -> Expected:
    """What is known of a file's checksum: told by the user, or left beside it by the hub's own tools.

    Their cache keeps each file under its checksum and links to it; their download into a folder notes it below
    ``.cache/huggingface/download``, on the second line.
    """
    if file in sums:
        return Expected.of(sums[file])
    if (folder / file).is_symlink():
        return Expected.of((folder / file).resolve().name)
    note = folder / ".cache" / "huggingface" / "download" / f"{file}.metadata"
    try:
        lines = note.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return Expected()
    return Expected.of(lines[1].strip()) if len(lines) > 1 else Expected()


def _card_of(path: Path) -> tuple[str | None, tuple[str, ...]]:
    """Licence and bases from the block between the first two lines of dashes of a model card.

    Only one plain word, or a list of them, is understood; anything else counts as not said.
    """
    lines = _read_small(path).decode("utf-8", "replace").splitlines()
    fields: dict[str, list[str]] = {}
    if not lines or lines[0].strip() != "---":
        return None, ()
    current = None
    for line in lines[1:]:
        if line.strip() == "---":
            break
        field, item = _FIELD.match(line), _ITEM.match(line)
        if field:
            current = fields.setdefault(field[1], [])
            current.extend([field[2]] if field[2] else [])
        elif item and current is not None:
            current.append(item[1])
        elif not line.startswith((" ", "\t")):
            current = None
    licences = fields.get("license", [])
    if licences == ["other"]:
        licences = fields.get("license_name") or licences
    return (licences[0] if licences else None), tuple(fields.get("base_model", ()))
