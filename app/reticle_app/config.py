"""Settings: one validated file, composed here alone; nothing below the application reads files or the environment."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

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
    heads: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir(APP)) / "heads")
    """Where `reticle train head` keeps what it made of your own runs."""
    head: Path | None = None
    """Such a head, a file or its name in `heads`, that weighs the candidates; None is the shipped law."""
    traces: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir(APP)) / "traces")
    """Where runs are recorded."""
    mode: Mode = "confirm"
    """What the app does by default before an input is sent."""
    theme: Literal["system", "light", "dark"] = "system"
    """Look of the windows."""
    language: Literal["system", "en", "de"] = "system"
    """Language of the windows."""
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

    @field_validator("model", "models", "traces", "risk_curve", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """An empty path would be the working folder."""
        if isinstance(value, str) and not value.strip():
            raise ValueError("is no path; name one or take the key out")
        return value


def settings_path() -> Path:
    return Path(platformdirs.user_config_dir(APP)) / "settings.json"


@dataclass(frozen=True, slots=True)
class SettingsFault:
    """A settings file that does not hold as it is."""

    path: Path
    problems: tuple[str, ...]
    """One sentence each: which key, what is wrong, what to do."""

    def __str__(self) -> str:
        return f"settings {self.path}: {'; '.join(self.problems)}; mend or delete the file"


def load_settings(path: Path | None = None) -> Settings:
    """Reads the settings file; a missing one gives the defaults. Raises BadInput naming file and each bad field."""
    settings, fault = read_settings(path)
    if fault is not None:
        raise BadInput(str(fault))
    return settings


def read_settings(path: Path | None = None) -> tuple[Settings, SettingsFault | None]:
    """The settings that hold, and what is wrong with the others. The file is left as it is.

    Bad keys are at their defaults, but each step is asked about then, since what kept a run from acting may be
    among them. Raises BadInput for a file that cannot be read at all.
    """
    path = path or settings_path()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), None
    except OSError as error:
        raise BadInput(f"cannot read settings {path}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        return Settings(), SettingsFault(path, (f"line {error.lineno}: not JSON ({error.msg})",))
    except UnicodeDecodeError as error:
        return Settings(), SettingsFault(path, (f"no text (byte {error.start})",))
    except RecursionError:
        return Settings(), SettingsFault(path, ("nested too deeply",))
    try:
        return Settings.model_validate(content), None
    except ValidationError as error:
        fault = SettingsFault(path, tuple(explain(one) for one in error.errors()))
        return _rescued(content, error), fault


def explain(error: ErrorDetails) -> str:
    """One validation error in a sentence: the key, what stands there, and what may stand there."""
    where = ".".join(str(part) for part in error["loc"])
    if not where:
        return "the file holds no object { ... } of settings"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(error["loc"][-1]), list(Settings.model_fields), 1, 0.6)
        return f"{where}: there is no such setting" + (f"; {near[0]} is meant?" if near else "; take it out")
    given = json.dumps(error["input"], default=str)
    said = error["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{where}: {given if len(given) <= 60 else f'{given[:59]}…'} {said}"


def _rescued(content: object, error: ValidationError) -> Settings:
    """What holds of a file with bad keys."""
    if not isinstance(content, Mapping):
        return Settings()
    bad = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
    kept = {key: value for key, value in content.items() if key not in bad}
    try:
        return Settings.model_validate({**kept, "mode": "confirm"})
    except ValidationError:  # keys that only together are wrong
        return Settings()


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


def keep_aside(path: Path) -> Path | None:
    """Copies a settings file beside itself before it is replaced; None where there is none.

    Raises BadInput when it cannot be kept.
    """
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    numbers = ("", *(f"-{i}" for i in range(2, 100)))
    kept = next(k for n in numbers if not (k := path.with_name(f"{path.name}.bad-{stamp}{n}")).exists())
    try:
        kept.write_bytes(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"cannot keep {path} as {kept.name}: {error.strerror}; it is left as it is") from error
    return kept
