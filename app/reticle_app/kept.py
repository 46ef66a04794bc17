"""Small documents that the application keeps for itself in the data folder: what was measured, what was begun."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import platformdirs
from pydantic import BaseModel, ValidationError

from reticle_grounding.errors import BadInput

from .config import APP

D = TypeVar("D", bound=BaseModel)


def data_folder() -> Path:
    """Where this user's data lies; it need not exist yet."""
    return Path(platformdirs.user_data_dir(APP))


def read_kept(path: Path, form: type[D]) -> D | None:
    """The document; None when there is none or it cannot be read, since all of them can be made again."""
    try:
        return form.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None


def write_kept(path: Path, document: BaseModel) -> None:
    """Writes in one rename, so that a crash leaves the old or the new one. Raises BadInput when it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.part")
        draft.write_text(document.model_dump_json(indent=1) + "\n", encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error
