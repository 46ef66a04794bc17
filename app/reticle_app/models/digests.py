"""Checksums of files: SHA-256, and the one git gives a file that a hub keeps without LFS."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from reticle_grounding.errors import BadInput

from .errors import StoreError

CHUNK = 1 << 20
Progress: TypeAlias = Callable[[int], None]
"""Told how many more bytes are done; negative when some have to be done again."""
Checked: TypeAlias = Literal["sha256", "git", "nothing"]
_SHA256, _GIT = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file's checksum should be; both None when nobody said."""

    sha256: str | None = None
    git: str | None = None

    @classmethod
    def of(cls, digest: str | None) -> Expected:
        """From hexadecimal digits, told apart by their number; anything else says nothing."""
        text = (digest or "").lower()
        return cls(text if _SHA256.fullmatch(text) else None, text if _GIT.fullmatch(text) else None)

    @property
    def kind(self) -> Checked:
        return "sha256" if self.sha256 else "git" if self.git else "nothing"

    def check(self, name: str, found: Digests) -> None:
        """Raises StoreError when the file is another one."""
        if self.sha256 and self.sha256 != found.sha256:
            raise StoreError(f"{name}: the SHA-256 is {found.sha256}, {self.sha256} was announced")
        if not self.sha256 and self.git and self.git != found.git:
            raise StoreError(f"{name}: the git checksum is {found.git}, {self.git} was announced")


@dataclass(frozen=True, slots=True)
class Digests:
    """Checksums of a file, hexadecimal."""

    sha256: str
    git: str
    """SHA-1 of ``blob <size>``, a zero byte and the content."""


class Hasher:
    """Both checksums at once. ``size`` is the file's size in bytes, which git's checksum begins with."""

    def __init__(self, size: int) -> None:
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)

    def update(self, data: bytes) -> None:
        self._sha256.update(data)
        self._git.update(data)

    def digests(self) -> Digests:
        return Digests(self._sha256.hexdigest(), self._git.hexdigest())


def digest_file(path: Path, progress: Progress | None = None) -> Digests:
    """Reads the file once. Raises StoreError when it cannot be read."""
    try:
        hasher = Hasher(path.stat().st_size)
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                hasher.update(data)
                if progress:
                    progress(len(data))
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    return hasher.digests()


def read_sums(path: Path) -> Mapping[str, str]:
    """File name -> SHA-256 from a list as ``sha256sum`` writes it. Raises BadInput naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read the checksums {path}: {error}") from error
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        digest, _, name = line.strip().partition(" ")
        name = name.lstrip(" *").rpartition("/")[2]
        if not line.strip():
            continue
        if not name or not _SHA256.fullmatch(digest.lower()):
            raise BadInput(f"{path} line {number}: a SHA-256 and a file name are expected")
        sums[name] = digest.lower()
    return sums
