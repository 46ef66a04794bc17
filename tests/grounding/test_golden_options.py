"""Another set of the same form, elsewhere, with other names and without weights, is compared as the open one is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from parity_record import Row, by_case, by_quantity
from safetensors.torch import load_file, save_file

REPO = Path(__file__).resolve().parents[2]
FOLDER = "focusui_qwen3vl"


def renamed_set(source: Path, into: Path) -> list[str]:
    """A copy of one folder whose cases have other names, with its inputs and outputs alone."""
    into.mkdir(parents=True)
    stored = json.loads((source / "cases.json").read_text())
    names = {name: f"held_{number}" for number, name in enumerate(stored["cases"]) if name != "batch"}
    cases = {names.get(name, name): case for name, case in stored["cases"].items()}
    for name, case in cases.items():
        if "image" in case:
            shutil.copyfile(source / case["image"], into / f"{name}.png")
            case["image"] = f"{name}.png"
    (into / "cases.json").write_text(json.dumps(stored | {"cases": cases}))
    tensors = load_file(source / "cases.safetensors")
    moved = {
        f"{names.get(case, case)}.{field}": t for key, t in tensors.items() for case, _, field in [key.partition(".")]
    }
    save_file(moved, into / "cases.safetensors")
    return list(names.values())


@pytest.mark.slow
def test_other_sets_are_compared_with_weights_from_elsewhere(
    golden: Path, golden_weights: Path, tmp_path: Path
) -> None:
    if not (golden / FOLDER / "cases.json").is_file():
        pytest.skip(f"no {FOLDER} in {golden}")
    names = renamed_set(golden / FOLDER, tmp_path / "held" / FOLDER)
    table = tmp_path / "table.md"
    tests = [str(REPO / "tests" / "grounding" / name) for name in ("test_parity.py", "test_focusui_parity.py")]
    options = [
        "--golden",
        str(tmp_path / "held"),
        "--golden-weights",
        str(golden_weights),
        "--parity-table",
        str(table),
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, *options]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    made = table.read_text(encoding="utf-8")
    assert all(f"{FOLDER}/{name}" in made for name in names)
    assert "gui_actor" not in made, "what the set lacks is skipped"
    assert "FAILS" not in made

    # One number that differs is found, and stands in the table.
    broken = load_file(tmp_path / "held" / FOLDER / "cases.safetensors")
    broken[f"{names[0]}.patch_scores"] = broken[f"{names[0]}.patch_scores"] + 1e-3
    save_file(broken, tmp_path / "held" / FOLDER / "cases.safetensors")
    done = subprocess.run([*command, "-k", "of_scores"], cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "| patch_scores | 1.0e-03 | 1.0e-05 | no | FAILS |" in table.read_text(encoding="utf-8")


def test_a_table_tells_failures_and_groups_small_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        Row("model/one", "ids", 0.0, 0.0, 2),
        Row("model/one", "attn", 2e-6, 1e-5, 2),
        Row("model/two", "ids", 1.0, 0.0, 1),
        Row("pure_x/regions.a", "scores", 0.0, 1e-6, 1),
        Row("pure_x/regions.b", "scores", float("inf"), 1e-6, 1),
    ]
    monkeypatch.setattr("parity_record.ROWS", {(row.case, row.quantity): row for row in rows})
    assert "| model/one | 1 | 1 of 1 | 1 of 1 | attn: 2.0e-06 of 1.0e-05 |" in by_case()
    assert "| model/two | 1 | 0 of 1 | 0 of 0 |  |" in by_case()
    assert "| pure_x/regions | 2 | 0 of 0 | 1 of 2 | scores: inf of 1.0e-06 |" in by_case()
    assert "| model/two | ids | 1.0e+00 | 0 | no | FAILS |" in by_quantity()
    assert "| model/one | attn | 2.0e-06 | 1.0e-05 | no |  |" in by_quantity()
