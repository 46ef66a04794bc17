"""Settings: one validated file, composed here alone; nothing below the application reads files or the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from reticle_grounding.errors import BadInput
from reticle_grounding.number_types import NumberType

APP = "reticle"
Mode = Literal["dry-run", "confirm", "auto"]
Kind = Literal["click", "drag", "scroll", "type", "keys"]


class AppRuleSetting(BaseModel):
    """What may be done in one application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    app: Annotated[str, Field(min_length=1, pattern=r"\S")]
    """Window class or program; * is every other one."""
    level: Literal["look", "click", "type"]
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The rule does not hold from then on."""


class Settings(BaseModel):
    """What a user may choose. Unknown keys are refused so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    """Version of this file's form."""
    model: Path | None = None
    """Folder of the grounding model, or the name of a kept one; None is the embedded one."""
    dtype: NumberType | None = None
    """What the model computes in: fp32, bf16 or int8; None leaves it to the machine."""
    models: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir(APP)) / "models")
    """Where `reticle models` keeps models."""
    traces: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir(APP)) / "traces")
    """Where runs are recorded."""
    mode: Mode = "confirm"
    """What the app does by default before an input is sent."""
    theme: Literal["system", "light", "dark"] = "system"
    """Look of the windows."""
    top_k: int = Field(default=5, ge=1, le=9)
    """Candidates shown per instruction."""
    ask_below: float = Field(default=0.5, ge=0, le=1)
    """In auto mode, places less likely than this are asked about."""
    countdown_s: float = Field(default=2.0, ge=0, le=30)
    """In auto mode, the window shows the chosen place for so long before it is used; 0 shows none."""
    desk_keys: bool = True
    """While something is asked, 1 to 9, arrows and Escape mean the candidates, whatever program has the keyboard."""
    one_wrong_in: int | None = Field(default=None, ge=2, le=100_000)
    """In auto mode, instead of `ask_below`: act alone only where at most one answer in so many was measured wrong."""
    risk_curve: Path | None = None
    """Curve of `reticle eval --risk` for the model in use; None is the shipped one."""
    retries: int = Field(default=1, ge=0, le=4)
    """Further places of a click that did nothing which may be tried, each asked about first."""
    applications: tuple[AppRuleSetting, ...] = ()
    """What may be done in which application; see `reticle rules`."""
    max_steps: int = Field(default=30, ge=1, le=1000)
    """A run ends after this many steps."""
    max_seconds: float = Field(default=300.0, gt=0, le=86_400)
    """A run ends after this many seconds."""
    history: int = Field(default=0, ge=0, le=1000)
    """Screenshots of a run that the model remembers beside the newest; 0: it looks at each by itself."""
    history_mb: int = Field(default=1024, ge=1, le=1_000_000)
    """Megabytes that they may take; the oldest go first."""
    forbidden_kinds: tuple[Kind, ...] = ()
    """Kinds of input that are never sent; nobody is asked."""
    forbidden_words: tuple[Annotated[str, Field(min_length=1, pattern=r"\S")], ...] = ()
    """A target named with, or reading, one of these words is never used; nobody is asked."""


def settings_path() -> Path:
    return Path(platformdirs.user_config_dir(APP)) / "settings.json"


def load_settings(path: Path | None = None) -> Settings:
    """Reads the settings file; a missing one gives the defaults. Raises BadInput naming file and field."""
    path = path or settings_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise BadInput(f"cannot read settings {path}: {error.strerror}") from error
    try:
        return Settings.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise BadInput(
            f"settings {path} line {error.lineno}: not JSON ({error.msg}); mend or delete the file"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"settings {path}: {where}: {first['msg']}; mend or delete the file") from error


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Writes the file atomically, so that a crash leaves the old or the new one. Raises BadInput when it cannot."""
    path = path or settings_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".json.part")
        draft.write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        raise BadInput(f"cannot write settings {path}: {error.strerror}") from error
