"""The words of the windows: ``python packaging/translate.py`` collects them from the code and compiles them.

    collect   writes new and changed texts into ``app/reticle_app/resources/translations/reticle_*.ts`` (``lupdate``),
              keeping what is translated, and compiles those into ``.qm`` files (``lrelease``)
    --check   changes nothing; fails, naming them, where texts are missing or compiled files lag behind

The ``.ts`` files are edited with Qt Linguist (``pyside6-linguist``) or any editor. English needs one for its plurals.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import PySide6

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "app" / "reticle_app"
FOLDER = SOURCES / "resources" / "translations"
LANGUAGES = {"de": (), "en": ("-pluralonly",)}
"""Language -> options of ``lupdate``."""
NO_WINDOWS = ("cli", "generator", "models", "server")
"""Folders without words of windows."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text of the windows and how it is said; ``said`` has one form per plural, empty where it is missing."""

    source: str
    note: str
    said: tuple[str, ...]

    @property
    def missing(self) -> bool:
        return not all(self.said)


def tool(name: str) -> str:
    """Path of a program that comes with PySide6."""
    return str(Path(PySide6.__file__).with_name(f"{name}.exe" if sys.platform == "win32" else name))


def sources() -> list[str]:
    """Modules whose texts are shown in windows."""
    found = sorted(SOURCES.rglob("*.py"))
    return [str(path) for path in found if path.relative_to(SOURCES).parts[0] not in NO_WINDOWS]


def collect(language: str, path: Path) -> None:
    """Brings a ``.ts`` file up to the code; texts that are gone leave it."""
    options = [*LANGUAGES[language], "-no-obsolete", "-locations", "none", "-target-language", language, "-silent"]
    subprocess.run([tool("lupdate"), *sources(), *options, "-ts", str(path)], check=True)


def compile_(ts: Path, qm: Path) -> None:
    subprocess.run([tool("lrelease"), "-silent", str(ts), "-qm", str(qm)], check=True)


def texts(ts: Path) -> list[Text]:
    """All texts of a ``.ts`` file."""
    found = []
    for message in ET.parse(ts).getroot().iter("message"):  # noqa: S314 - our own file
        said = message.find("translation")
        assert said is not None, "every message has one"
        forms = [form.text or "" for form in said.iter("numerusform")] or [said.text or ""]
        unfinished = said.get("type") == "unfinished"
        words = tuple("" if unfinished else form for form in forms)
        found.append(Text(message.findtext("source") or "", message.findtext("comment") or "", words))
    return found


def problems(language: str) -> list[str]:
    """What is missing in a language's files; empty when they are whole."""
    ts, qm = FOLDER / f"reticle_{language}.ts", FOLDER / f"reticle_{language}.qm"
    with tempfile.TemporaryDirectory() as folder:
        fresh, compiled = Path(folder) / ts.name, Path(folder) / qm.name
        if ts.exists():
            fresh.write_bytes(ts.read_bytes())
        collect(language, fresh)
        compile_(fresh, compiled)
        known = {(text.source, text.note) for text in texts(ts)} if ts.exists() else set()
        now = texts(fresh)
        found = [f"{language}: no translation of {text.source!r}" for text in now if text.missing]
        gone = known - {(text.source, text.note) for text in now}
        found += [f"{language}: {source!r} is in no window any more" for source, _ in sorted(gone)]
        if not found and (not qm.exists() or qm.read_bytes() != compiled.read_bytes()):
            found.append(f"{language}: {qm.name} is not what {ts.name} compiles to")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, fail where something is missing")
    if parser.parse_args().check:
        found = [problem for language in LANGUAGES for problem in problems(language)]
        sys.stdout.write("\n".join(found or ["nothing is missing"]) + "\n")
        return 1 if found else 0
    FOLDER.mkdir(exist_ok=True)
    for language in LANGUAGES:
        ts = FOLDER / f"reticle_{language}.ts"
        collect(language, ts)
        compile_(ts, ts.with_suffix(".qm"))
        missing = sum(text.missing for text in texts(ts))
        sys.stdout.write(f"{ts.relative_to(ROOT)}: {len(texts(ts))} texts, {missing} not translated\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
