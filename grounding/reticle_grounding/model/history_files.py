"""Histories on disk, beside a trace: ``history.safetensors`` with the numbers, ``history.json`` with what they mean.

The tensors hold the cache, the token map and the newest screenshot in model pixels; the JSON names the model by its
fingerprint and the tensor file by its SHA-256. Nothing is executed on reading.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Size, Transform

from .fingerprint import fingerprint
from .gui_actor import ActorScreen
from .gui_aima import AimaScreen
from .history import History, Shot
from .pointer_model import PointerModel
from .screens import EncodedScreen
from .sparse_prefill import set_map
from .token_map import TokenMap

FORMAT = "reticle-history-1"
TENSORS, ABOUT = "history.safetensors", "history.json"
_MAP = ("time", "step", "row", "column")
_BLOCK = 1 << 20


def model_fingerprint(model: PointerModel) -> str:
    """Of all that a history's keys and values depend on."""
    return fingerprint(model.module, model.channel)


def save_history(history: History, folder: Path) -> Path:
    """Writes both files into an existing folder; those of an earlier call are replaced. Returns the JSON file.

    Raises BadInput for an empty history or a folder that cannot be written to.
    """
    screen = history.screen
    if screen is None or history.picture is None:
        raise BadInput("there is nothing to save: this history has no screenshot yet")
    height, width = history.picture.shape[:2]
    document = {
        "format": FORMAT,
        "model": history.model.name,
        "fingerprint": model_fingerprint(history.model),
        "tokens": history.length,
        "next_position": history.next_position,
        "answered": history.answered,
        "shots": [[s.number, *s.shape, s.kept, round(s.milliseconds, 1)] for s in history.shots],
        "widths": {str(number): width for number, width in history.tokens.widths.items()},
        "capture": [history.capture.width, history.capture.height],
        "picture": [width, height],
        "prefix": screen.prefix_length,
        "screen_position": screen.next_position,
        "patches": [screen.patches.start, screen.patches.stop] if isinstance(screen, AimaScreen) else None,
        "turns": [list(turn) for turn in history.cache.memory.turns()],
    }
    partial = folder / (TENSORS + ".partial")
    try:
        save_file(_tensors(history, screen), str(partial))
        document["sha256"] = _digest(partial)
        os.replace(partial, folder / TENSORS)
        about = folder / (ABOUT + ".partial")
        about.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        os.replace(about, folder / ABOUT)
    except (OSError, SafetensorError) as error:
        raise BadInput(f"cannot write a history to {folder}: {_said(error)}") from error
    return folder / ABOUT


def load_history(model: PointerModel, folder: Path, budget: int | None = None, most: int | None = None) -> History:
    """Opens what :func:`save_history` wrote; the history goes on as if it had never stopped.

    ``budget`` and ``most`` as for :class:`History`.

    Raises BadInput when files are missing, broken, do not belong together, or were made with another model.
    """
    about = _about(folder)
    expected = model_fingerprint(model)
    if about.get("fingerprint") != expected:
        made = f"{about.get('model')} ({str(about.get('fingerprint'))[:12]})"
        raise BadInput(f"{folder / ABOUT} was made with {made}, this is {model.name} ({expected[:12]})")
    path = folder / TENSORS
    try:
        if _digest(path) != about.get("sha256"):
            raise BadInput(f"{path} is not the file that {ABOUT} speaks of; it was changed or cut off")
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadInput(f"cannot read {path}: {_said(error)}") from error
    try:
        return _restored(History(model, budget, most), about, tensors)
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
        raise BadInput(f"{folder} does not hold a history of {model.name}: {_said(error)}") from error


def _tensors(history: History, screen: EncodedScreen) -> dict[str, Tensor]:
    tokens = history.tokens
    assert history.picture is not None
    out = {f"map.{name}": getattr(tokens, name).contiguous() for name in _MAP}
    out |= {"stale": history.stale.to(torch.uint8), "picture": torch.from_numpy(history.picture.copy())}
    if isinstance(screen, ActorScreen):
        out["pointer_keys"] = screen.keys.cpu().contiguous()
    elif isinstance(screen, AimaScreen):
        out["directions"] = screen.directions.cpu().contiguous()
    for (layer, kind), mass in history.cache.memory.masses():
        out[f"mass.{layer}.{kind}"] = mass.cpu().contiguous()
    for number, layer in enumerate(history.cache.layers):
        out[f"layers.{number}.keys"] = layer.keys.cpu().contiguous()
        out[f"layers.{number}.values"] = layer.values.cpu().contiguous()
    return out


def _restored(history: History, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> History:
    model, length = history.model, int(about["tokens"])
    config, device = model.module.config.text_config, model.runner.device
    parts = [tensors[f"map.{name}"] for name in _MAP]
    if any(tuple(part.shape) != (length,) for part in (*parts, tensors["stale"])):
        raise ValueError(f"the token map does not cover {length} tokens")
    width = history.token_bytes // (2 * config.num_hidden_layers * config.num_key_value_heads)
    dtype = next(model.module.backbone.model.language_model.parameters()).dtype
    shape = (1, int(config.num_key_value_heads), length, width // dtype.itemsize)
    for number in range(int(config.num_hidden_layers)):
        pair = [tensors[f"layers.{number}.{name}"] for name in ("keys", "values")]
        for part in pair:
            if tuple(part.shape) != shape or not bool(torch.isfinite(part).all()):
                raise ValueError(f"layer {number} is {list(part.shape)}, expected {list(shape)} finite numbers")
        history.cache.layers[number].hold(*(part.to(device, dtype) for part in pair))
    widths = {int(number): int(columns) for number, columns in about["widths"].items()}
    set_map(history.cache, TokenMap(**dict(zip(_MAP, parts, strict=True)), widths=widths))
    history.stale = tensors["stale"].bool()
    history.picture = tensors["picture"].numpy()
    history.next_position, history.answered = int(about["next_position"]), bool(about["answered"])
    history.shots = [Shot(int(n), (int(r), int(c)), int(k), float(ms)) for n, r, c, k, ms in about["shots"]]
    size = Size(*map(int, about["picture"]))
    if history.picture.shape != (size.height, size.width, 3) or not history.shots:
        raise ValueError("the newest screenshot is not of the size that is told")
    cell = model.processor.cell
    history.capture = Size(*map(int, about["capture"]))
    transform = Transform.for_image(history.capture, size, cell)
    grid = (size.height // cell, size.width // cell)
    common = (transform, grid, history.cache, int(about["prefix"]), int(about["screen_position"]))
    patches = grid[0] * grid[1]
    if history.method.screen_type() is AimaScreen:
        start, stop = (int(place) for place in about["patches"])
        directions = tensors["directions"].to(device)
        wanted = (int(config.num_hidden_layers), model.module.hidden_size)
        if stop - start != patches or not 0 <= start < stop <= length or tuple(directions.shape) != wanted:
            raise ValueError(f"patches {start} to {stop} do not fit a screenshot of {grid[0]} by {grid[1]} patches")
        history.screen = AimaScreen(*common, directions=directions, patches=slice(start, stop))
    else:
        keys = tensors["pointer_keys"].to(device, dtype)
        if keys.shape[0] != patches:
            raise ValueError(f"{keys.shape[0]} pointer keys do not fit a screenshot of {grid[0]} by {grid[1]} patches")
        history.screen = ActorScreen(*common, keys=keys)
    found = {name: mass.to(device) for name, mass in tensors.items() if name.startswith("mass.")}
    masses = {(int(name.split(".")[1]), int(name.split(".")[2])): mass for name, mass in found.items()}
    if any(mass.ndim != 2 or mass.shape[1] > length for mass in masses.values()):
        raise ValueError(f"what is remembered of the keys does not fit {length} tokens")
    history.cache.memory.fill(masses, [[int(number) for number in turn] for turn in about.get("turns", [])])
    return history


def _about(folder: Path) -> dict[str, Any]:
    path = folder / ABOUT
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot read {path}: {_said(error)}") from error
    except ValueError as error:
        raise BadInput(f"{path} is not valid JSON: {error}") from error
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT:
        raise BadInput(f"{path} is no history of the format {FORMAT}")
    return loaded


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _said(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
