"""Fetching a model from the hub: look first, ask, then fetch, check and keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reticle_grounding.errors import BadInput

from .contents import CONFIG, MAX_JSON, parse_json, select
from .digests import digest_file
from .errors import StoreError
from .headers import TensorHeader, headers_of, read_headers
from .hub import Hub, RemoteFile, Repository
from .known import known
from .plan import Kept, Plan, Source, make_plan
from .store import FileRecord, Store

BytesDone = Callable[[int, int], None]
"""(bytes done, bytes in all)"""


@dataclass(frozen=True, slots=True)
class Pull:
    """A model on the hub that can be fetched."""

    plan: Plan
    repository: Repository

    @property
    def files(self) -> list[RemoteFile]:
        return [self.repository.files[name] for name in self.plan.selection.names]


def full_name(repository: str) -> str:
    """``owner/name``; the owner may be left out for a known model. Raises BadInput otherwise."""
    if "/" in repository:
        return repository
    entry = known(repository)
    if entry is None:
        raise BadInput(f"{repository} is no known model; name its repository as owner/name")
    return entry.repository


def prepare(hub: Hub, repository: str, revision: str | None = None, name: str | None = None) -> Pull:
    """Learns sizes, licence and memory; reads config, index and the headers of the weights, and writes nothing.

    Raises HubError when the hub does not answer, BadInput for what this program would not open, StoreError for files
    that are no safetensors.
    """
    found = hub.look_up(repository, revision)

    def read_json(file: str) -> dict[str, object]:
        size = min(found.files[file].size, MAX_JSON + 1)
        if size > MAX_JSON:
            raise BadInput(f"{repository}: {file} is too large")
        return parse_json(repository, file, hub.read(found, file, 0, size) if size else b"")

    selection = select(repository, found.files, read_json)
    unsure = [file for file in selection.weights if found.files[file].expected.kind == "nothing"]
    if unsure:
        raise StoreError(f"{hub.endpoint} gives no checksum for {unsure[0]} of {repository}, so it is not fetched")
    config = read_json(CONFIG)
    headers: list[TensorHeader] = []
    for file in selection.weights:
        headers += read_headers(file, found.files[file].size, partial(hub.read, found, file))
    source = Source(repository, found.revision, hub.endpoint, found.licence, found.bases)
    size = sum(found.files[file].size for file in selection.names)
    own = repository.rpartition("/")[2] if name is None else name
    return Pull(make_plan(own, source, selection, size, config, headers), found)


def check_name_for(store: Store, pull: Pull) -> bool:
    """Whether exactly this model is kept already. Raises BadInput when another one has its name."""
    if not store.holds(pull.plan.name):
        store.check_free(pull.plan.name)
        return False
    there = store.record(pull.plan.name)
    if there.repository != pull.plan.source.repository:
        raise BadInput(f"{there.name} is there already, from {there.repository or there.origin}; choose another --name")
    return there.revision == pull.plan.source.revision


def missing_bytes(store: Store, pull: Pull) -> int:
    """What is still to come after an interrupted download."""
    staged = store.partial(pull.plan.name)
    return sum(file.size - min(file.size, _there(staged, file)) for file in pull.files)


def fetch(hub: Hub, store: Store, pull: Pull, progress: BytesDone) -> Kept:
    """Fetches what is missing, compares every checksum, and keeps the model.

    Raises HubError when the connection breaks (what came stays), NoSpace when the disk is too small or full,
    StoreError for a file that is not the announced one (it is thrown away).
    """
    plan, came = pull.plan, 0
    with store.at_work(plan.name) as staged:
        store.check_space(missing_bytes(store, pull))
        done = plan.size - missing_bytes(store, pull)
        progress(done, plan.size)

        def more(count: int) -> None:
            nonlocal came, done
            came, done = came + count, done + count
            progress(done, plan.size)

        records = [_fetch_one(hub, pull.repository, file, staged, more) for file in pull.files]
        for stray in [path for path in staged.iterdir() if path.name not in plan.selection.names]:
            stray.unlink()
        headers = [header for name in plan.selection.weights for header in headers_of(staged / name)]
        if not headers:
            raise StoreError(f"{plan.name} holds no tensors")
        record = plan.record(records)
        return Kept(record, store.add(staged, record), max(0, came))


def _fetch_one(
    hub: Hub, repository: Repository, file: RemoteFile, staged: Path, more: Callable[[int], None]
) -> FileRecord:
    whole, part = staged / file.name, staged / _part_name(file)
    if not whole.is_file():
        hub.fetch(repository, file, part, more)
        part.rename(whole)
    digests = digest_file(whole)
    try:
        if whole.stat().st_size != file.size:
            raise StoreError(f"{file.name}: {whole.stat().st_size} bytes instead of {file.size}")
        file.expected.check(file.name, digests)
    except StoreError as error:
        whole.unlink()
        raise StoreError(f"{error}; it was thrown away, run the same command to fetch it again") from error
    return FileRecord(name=file.name, size=file.size, sha256=digests.sha256, checked=file.expected.kind)


def _part_name(file: RemoteFile) -> str:
    """Another file under the same name, after an update, does not go on where the old one stopped."""
    mark = (file.expected.sha256 or file.expected.git or "")[:16]
    return f"{file.name}.{mark}.part"


def _there(staged: Path, file: RemoteFile) -> int:
    for path in (staged / file.name, staged / _part_name(file)):
        if path.is_file():
            return path.stat().st_size
    return 0
