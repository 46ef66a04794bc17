"""Options and set-up shared by all tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import parity_record

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", type=Path, default=SHARED / "golden", help="folder of reference inputs and outputs")
    parser.addoption(
        "--golden-weights", type=Path, default=SHARED / "golden", help="folder with weights, config and tokenizer"
    )
    parser.addoption(
        "--parity-table",
        metavar="FILE",
        help="write what the parity tests compared as a table, and print it; - prints it only",
    )
    parser.addoption("--realdesk", type=Path, default=SHARED / "realdesk", help="folder of real desktop targets")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    asked = config.getoption("--parity-table")
    if asked is None:
        return
    made = parity_record.table()
    terminalreporter.section("parity")
    terminalreporter.write_line(made)
    if asked != "-":
        Path(asked).write_text(made, encoding="utf-8")


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Path:
    """Folder of golden cases; the test is skipped, saying so, where it is absent."""
    return _present(request.config.getoption("--golden"), "--golden")


@pytest.fixture(scope="session")
def golden_weights(request: pytest.FixtureRequest) -> Path:
    return _present(request.config.getoption("--golden-weights"), "--golden-weights")


@pytest.fixture(scope="session")
def realdesk(request: pytest.FixtureRequest) -> Path:
    return _present(request.config.getoption("--realdesk"), "--realdesk")


def _present(path: Path, option: str) -> Path:
    if not path.is_dir():
        pytest.skip(f"reference data not found at {path}; pass {option} DIR")
    return path


@pytest.fixture(scope="session", autouse=True)
def _private_environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests never read or write the user's own settings, traces or X credentials."""
    home = tmp_path_factory.mktemp("home")
    for name, sub in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state")):
        (home / sub).mkdir()
        os.environ[name] = str(home / sub)
