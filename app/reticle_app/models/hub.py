"""The one module that speaks with the Hugging Face Hub, or with a server that answers like it.

``huggingface_hub`` (a dependency of transformers) gives the addresses, the session with the user's proxies and token,
and the errors. Files are streamed here and not with its download function, which starts a file again from its first
byte after an interruption (version 2.4). A revision is fixed to its commit before the first file, so what is resumed
is the same file.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reticle_grounding.errors import BadInput

from .digests import Expected, Progress
from .errors import HubError, NoSpace

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

OFFLINE_HELP = "import a folder with `reticle models import` instead"
TIMEOUT_S = 30.0
TRIES = 5
"""Without a single new byte, before a download is given up."""
_TRANSPORT = frozenset({"httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3", "ssl", "socket"})
"""Packages whose errors mean that no answer came; which of them is underneath depends on the hub library's version."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,120}")
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository."""

    name: str
    size: int
    """Bytes."""
    expected: Expected


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one commit."""

    name: str
    revision: str
    """Commit."""
    files: dict[str, RemoteFile]
    licence: str | None
    """What the model card says."""
    bases: tuple[str, ...]
    """The models it was made from, as the card says."""


class Hub:
    """Reads repositories. Every method raises HubError, one line, when that is not possible.

    Args:
        endpoint: address without a path, as in ``HF_ENDPOINT``.
        offline: nothing is asked, as ``HF_HUB_OFFLINE`` demands.
        pause_s: before the second try of a download; twice as long before each further one.
    """

    def __init__(self, endpoint: str, *, offline: bool = False, pause_s: float = 1.0) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._offline, self._pause_s = offline, pause_s

    @property
    def offline(self) -> bool:
        return self._offline

    def look_up(self, repository: str, revision: str | None = None) -> Repository:
        """Files, sizes, checksums and card of a repository, in one short request."""
        from huggingface_hub import HfApi

        with self._asking(repository, revision):
            api = HfApi(endpoint=self.endpoint, library_name="reticle")
            info = api.model_info(repository, revision=revision, files_metadata=True, timeout=TIMEOUT_S)
        if not info.sha or not re.fullmatch(r"[0-9a-f]{40}", info.sha):
            raise HubError(f"{self.endpoint} does not tell the commit of {repository}")
        licence, bases = _card(info)
        return Repository(repository, info.sha, {f.name: f for f in _files(info)}, licence, bases)

    def read(self, repository: Repository, name: str, start: int, count: int) -> bytes:
        """At most so many bytes of a file from ``start`` on."""
        headers = {"Range": f"bytes={start}-{start + count - 1}"}
        parts: list[bytes] = []
        got, skip = 0, start
        with self._asking(repository.name), self._stream(repository, name, headers) as answer:
            if answer.status_code == 206:
                skip = 0
            for data in answer.iter_bytes():
                kept, skip = data[skip:], max(0, skip - len(data))
                parts.append(kept[: count - got])
                got += len(parts[-1])
                if got >= count:
                    break
        return b"".join(parts)

    def fetch(self, repository: Repository, file: RemoteFile, target: Path, progress: Progress) -> None:
        """Writes a file's bytes to ``target``, going on behind those that are there already.

        A broken connection is tried again at once, :data:`TRIES` times without a new byte; then HubError, and what came
        stays for the next call. Raises NoSpace when the disk is full. The checksum is the caller's to compare.
        """
        failures = 0
        while True:
            before = _size(target)
            if before > file.size:
                target.unlink()
                progress(-before)
                continue
            if before == file.size:
                target.touch()  # an empty file is whole before anything is asked
                return
            try:
                with self._asking(repository.name):
                    self._append(repository, file, target, progress)
            except HubError as error:
                failures = 1 if _size(target) > before else failures + 1
                if failures >= TRIES or not error.__cause__ or not _no_answer(error.__cause__):
                    came = _size(target)
                    raise HubError(f"{error}; {came} of {file.size} bytes of {file.name} are kept") from error
                time.sleep(self._pause_s * 2 ** (failures - 1))
                continue
            if _size(target) <= before:
                failures += 1
                if failures >= TRIES:
                    raise HubError(f"{self.endpoint} ends {file.name} after {before} of {file.size} bytes")
                time.sleep(self._pause_s)

    def _append(self, repository: Repository, file: RemoteFile, target: Path, progress: Progress) -> None:
        start = _size(target)
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._stream(repository, file.name, headers) as answer:
            if start and not _goes_on_at(answer, start):  # the server begins again, so this does too
                progress(-start)
                start = 0
            with _writing(target), target.open("ab" if start else "wb") as out:
                for data in answer.iter_bytes():
                    if start + len(data) > file.size:
                        raise HubError(f"{self.endpoint} sends more than the {file.size} bytes of {file.name}")
                    out.write(data)
                    out.flush()  # so that what came is there when the next read fails
                    start += len(data)
                    progress(len(data))

    @contextmanager
    def _stream(self, repository: Repository, name: str, headers: dict[str, str]) -> Iterator[Any]:
        from huggingface_hub import get_session, hf_hub_url
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

        url = hf_hub_url(repository.name, name, revision=repository.revision, endpoint=self.endpoint)
        sent = {**build_hf_headers(library_name="reticle"), "Accept-Encoding": "identity", **headers}
        with get_session().stream("GET", url, headers=sent, timeout=TIMEOUT_S, follow_redirects=True) as answer:
            if answer.status_code >= 400:
                answer.read()
            hf_raise_for_status(answer)
            yield answer

    @contextmanager
    def _asking(self, repository: str, revision: str | None = None) -> Iterator[None]:
        """Turns whatever the library, the connection or the answer does into one clear line."""
        if self._offline:
            raise HubError(f"HF_HUB_OFFLINE is set, so {repository} is not looked for on the hub; {OFFLINE_HELP}")
        from huggingface_hub import errors

        asked = f"{repository} at {revision}" if revision else repository
        try:
            yield
        except errors.HFValidationError as error:
            raise BadInput(f"{repository!r} is not a repository: owner/name is expected") from error
        except errors.GatedRepoError as error:
            raise HubError(f"{repository} wants an agreement: give it on its page, then set HF_TOKEN") from error
        except errors.RepositoryNotFoundError as error:
            raise HubError(f"{self.endpoint} has no {repository}, or only for those it knows (HF_TOKEN)") from error
        except errors.RevisionNotFoundError as error:
            raise HubError(f"{self.endpoint} has no {asked}") from error
        except errors.OfflineModeIsEnabled as error:
            raise HubError(f"HF_HUB_OFFLINE is set, so {repository} is not asked for; {OFFLINE_HELP}") from error
        except errors.HfHubHTTPError as error:
            status = error.response.status_code
            raise HubError(f"{self.endpoint} answers {status} when asked for {asked}") from error
        except (HubError, NoSpace):
            raise
        except Exception as error:
            if _no_answer(error):
                why = " ".join(str(error).split()) or type(error).__name__
                raise HubError(f"the hub cannot be reached at {self.endpoint}: {why}; {OFFLINE_HELP}") from error
            if isinstance(error, (ValueError, KeyError, TypeError, AttributeError)):
                raise HubError(f"{self.endpoint} does not answer like a hub when asked for {asked}") from error
            raise


def cached_snapshot(repository: str, revision: str | None) -> Path | None:
    """The folder of a repository in the hub library's own cache on this machine; nothing is asked over the network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise BadInput(f"{repository!r} is not a repository: owner/name is expected") from error


def _no_answer(error: BaseException) -> bool:
    """Whether this says that a connection failed, and not what came over it."""
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in {408, 429} or error.response.status_code >= 500
    return isinstance(error, (ConnectionError, TimeoutError)) or type(error).__module__.split(".")[0] in _TRANSPORT


def _files(info: ModelInfo) -> Iterator[RemoteFile]:
    for sibling in info.siblings or ():
        lfs = sibling.lfs
        size = lfs.size if lfs else sibling.size
        if isinstance(size, int) and size >= 0:
            yield RemoteFile(sibling.rfilename, size, Expected.of(lfs.sha256 if lfs else sibling.blob_id))


def _card(info: ModelInfo) -> tuple[str | None, tuple[str, ...]]:
    """Licence and bases. A card is somebody's text, so only plain words of it are taken."""
    data: dict[str, Any] = info.card_data.to_dict() if info.card_data else {}  # type: ignore[no-untyped-call]
    licence = data.get("license")
    if licence == "other" and data.get("license_name"):
        licence = data["license_name"]
    named = data.get("base_model") or ()
    bases = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    plain = [str(word) for word in bases if _WORD.fullmatch(str(word))]
    return (str(licence) if licence and _WORD.fullmatch(str(licence)) else None), tuple(plain)


def _goes_on_at(answer: Any, start: int) -> bool:
    told = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return answer.status_code == 206 and told is not None and int(told[1]) == start


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise NoSpace(f"the disk of {target.parent} is full; make room and run the same command again") from error
        if isinstance(error, (ConnectionError, TimeoutError)) or error.errno is None:
            raise
        raise BadInput(f"cannot write {target}: {os.strerror(error.errno)}") from error
