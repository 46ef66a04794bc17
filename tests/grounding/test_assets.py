from pathlib import Path

import pytest

from reticle_grounding import assets
from reticle_grounding.errors import CheckpointError, ReticleError


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Looks like a frozen build unpacked in a temporary folder, with no checkout around."""
    monkeypatch.setattr(assets.sys, "_MEIPASS", str(tmp_path), raising=False)
    monkeypatch.setattr(assets, "_HERE", tmp_path / "nowhere" / "x" / "reticle_grounding")
    return tmp_path


def test_a_frozen_build_finds_its_files(frozen):
    (frozen / "assets" / "embedded").mkdir(parents=True)
    (frozen / "assets" / "embedded" / "config.json").write_text("{}")
    assert assets.embedded_model_dir() == frozen / "assets" / "embedded"
    assert assets.asset("embedded").is_dir()


def test_a_wheel_finds_its_files(frozen):
    wheel = frozen / "nowhere" / "x" / "reticle_grounding" / "_assets" / "embedded"
    wheel.mkdir(parents=True)
    (wheel / "config.json").write_text("{}")
    assert assets.embedded_model_dir() == wheel


def test_absence_is_said_with_the_places_looked_at(frozen):
    with pytest.raises(CheckpointError, match=r"embedded model is missing.*_assets.*reinstall"):
        assets.embedded_model_dir()
    with pytest.raises(ReticleError, match="Install it again"):
        assets.asset("icon.png")
    (frozen / "assets").mkdir()
    with pytest.raises(ReticleError, match=r"icon\.png is missing"):
        assets.asset("icon.png")
