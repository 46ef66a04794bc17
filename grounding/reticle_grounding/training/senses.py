"""Word vectors from running text on the training machine: words that keep the same company get similar vectors.

Positive pointwise mutual information of neighbouring words, cut to its largest singular vectors. The texts (manuals,
help pages, dictionary entries, search words of icon packs, concept tables) only shape the numbers; none is stored.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import svds

from .concepts import concepts

LEAST_COUNT, MOST_WORDS, WINDOW, WIDTH = 6, 20_000, 5, 96
SHIFT = 0.7
"""Subtracted from the information of a pair: weak ties are noise."""
_WORD = re.compile(r"[a-z][a-z'+-]*[a-z]|[a-z]")
_TAG = re.compile(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", re.DOTALL | re.IGNORECASE)
_ROFF = re.compile(r"^[.'].{0,4}\s|\\f(\(..|\[.*?\]|.)|\\\(..|\\[-&e]|\"", re.MULTILINE)


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def dictionary(folder: Path) -> Iterator[list[str]]:
    """WordNet's synsets: their words beside their explanation."""
    for file in sorted(folder.glob("data.*")):
        for line in file.read_text("utf-8", errors="ignore").splitlines():
            if line.startswith("  ") or "|" not in line:
                continue
            fields, gloss = line.split("|", 1)
            parts = fields.split()
            lemmas = [w.replace("_", " ") for w in parts[4 : 4 + 2 * int(parts[3], 16) : 2]]
            said = words_of(" ".join(lemmas))
            explained = words_of(gloss.split('"')[0])
            yield said + explained + said
            yield from (words_of(example) for example in gloss.split('"')[1::2])


def pages(folder: Path, endings: tuple[str, ...]) -> Iterator[list[str]]:
    """Help pages and manuals in HTML or XML, a paragraph at a time."""
    for file in sorted(folder.rglob("*")):
        if file.suffix in endings and file.is_file() and file.stat().st_size < 3_000_000:
            text = _TAG.sub(" . ", file.read_text("utf-8", errors="ignore"))
            yield from (words_of(part) for part in re.split(r"[.;:]\s", unescape(text)))


def manuals(folder: Path) -> Iterator[list[str]]:
    for file in sorted(folder.glob("man[1-8]/*.gz")):
        if "_" in file.name:  # families of generated pages that repeat each other hundreds of times
            continue
        text = gzip.decompress(file.read_bytes()).decode("utf-8", errors="ignore")
        yield from (words_of(part) for part in re.split(r"[.;:]\s", _ROFF.sub(" ", text)))


def descriptions() -> Iterator[list[str]]:
    """What the package manager says of every package."""
    shown = subprocess.run(
        ["apt-cache", "dumpavail"], capture_output=True, text=True, check=False, errors="ignore"
    ).stdout
    for part in re.findall(r"^Description(?:-en)?: (.*(?:\n .*)*)", shown, re.MULTILINE):
        yield from (words_of(sentence) for sentence in re.split(r"[.;:]\s", part))


def interface() -> Iterator[list[str]]:
    """The concept tables, their kept wordings left out."""
    for concept in concepts():
        for words in (*concept.phrases, *concept.labels):
            for label in concept.labels:
                yield words_of(f"{words} {label}")


def icon_words(libraries: Iterable[Path]) -> Iterator[list[str]]:
    """Names of icons beside their search words."""
    for library in libraries:
        for line in (library / "index.jsonl").read_text("utf-8").splitlines():
            entry = json.loads(line)
            if entry["words"]:
                yield words_of(f"{entry['name']} {' '.join(map(str, entry['words'][:12]))} {entry['name']}")


def vectors(sentences: Iterable[list[str]]) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Words, most frequent first, and their vectors [n, WIDTH] of norm 1."""
    kept = list(sentences)
    counts = Counter(w for s in kept for w in s)
    words = [w for w, n in counts.most_common(MOST_WORDS) if n >= LEAST_COUNT]
    number = {w: i for i, w in enumerate(words)}
    pairs = _pairs([[number[w] for w in s if w in number] for s in kept], len(words))
    total = pairs.sum()
    left = np.asarray(pairs.sum(axis=1)).ravel()
    right = left**0.75 * left.sum() / (left**0.75).sum()
    coo = pairs.tocoo()
    information = np.log(coo.data * total / (left[coo.row] * right[coo.col])) - SHIFT
    positive = information > 0
    shape = (len(words), len(words))
    table = sparse.csr_matrix((information[positive], (coo.row[positive], coo.col[positive])), shape=shape)
    u, s, _ = svds(table.astype(np.float32), k=WIDTH, random_state=0)
    made = u * np.sqrt(s)
    made /= np.linalg.norm(made, axis=1, keepdims=True) + 1e-9
    return words, cast("npt.NDArray[np.float32]", made.astype(np.float32))


def _pairs(sentences: list[list[int]], size: int) -> sparse.csr_matrix:
    """How often words stand near each other, nearer ones counting more."""
    joined: list[int] = []
    for sentence in sentences:
        joined += sentence
        joined += [-1] * WINDOW
    line = np.array(joined, dtype=np.int64)
    table = sparse.csr_matrix((size, size), dtype=np.float64)
    for gap in range(1, WINDOW + 1):
        a, b = line[:-gap], line[gap:]
        both = (a >= 0) & (b >= 0)
        a, b = a[both], b[both]
        codes, n = np.unique(np.concatenate([a * size + b, b * size + a]), return_counts=True)
        table = table + sparse.csr_matrix((n / gap, (codes // size, codes % size)), shape=(size, size))
    return table


def main() -> None:
    """Writes ``words.txt`` and ``vectors.npy`` into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--pages", type=Path, action="append", default=[], help="folder of help pages")
    parser.add_argument("--manuals", type=Path, default=Path("/usr/share/man"))
    parser.add_argument("--icons", type=Path, action="append", default=[], help="icon library folder")
    chosen = parser.parse_args()

    def sentences() -> Iterator[list[str]]:
        yield from dictionary(chosen.wordnet)
        yield from manuals(chosen.manuals)
        yield from descriptions()
        for folder in chosen.pages:
            yield from pages(folder, (".html", ".page", ".xml", ".docbook"))
        for _ in range(6):
            yield from interface()
            yield from icon_words(chosen.icons)

    words, table = vectors(sentences())
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    np.save(chosen.out / "vectors.npy", table.astype(np.float16))
    sys.stdout.write(f"{len(words)} words\n")


if __name__ == "__main__":
    main()
