"""Tensors of a checkpoint: published names, strict reading, sharded writing. Only safetensors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from reticle_grounding.errors import CheckpointError

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
HEAD, SCORER = "multi_patch_pointer_head.", "patch_scorer."
_MIXED = "; its weights are not those that config.json tells of: take all files from the same model"
_EMBED, _LM_HEAD = "backbone.model.language_model.embed_tokens.weight", "backbone.lm_head.weight"
_ROUTES = (
    (HEAD, HEAD),
    (SCORER, SCORER),
    ("visual.", "backbone.model.visual."),
    ("model.visual.", "backbone.model.visual."),
    ("model.language_model.", "backbone.model.language_model."),
    ("lm_head.", "backbone.lm_head."),
    ("model.", "backbone.model.language_model."),
)
"""Published prefix -> module prefix, first match wins; the flat names of old files and the nested ones of new files."""


def module_name(published: str) -> str:
    """The module's name for a published tensor name; unknown names stay as they are."""
    for prefix, target in _ROUTES:
        if published.startswith(prefix):
            return target + published.removeprefix(prefix)
    return published


_FLAT = tuple(route for route in _ROUTES if route[0] not in {"model.visual.", "model.language_model."})
_NESTED = tuple(route for route in _ROUTES if route[0] not in {"visual.", "model."})


def published_name(module: str, nested: bool = False) -> str:
    """The flat (or nested) name under which a module's tensor is published."""
    for prefix, target in _NESTED if nested else _FLAT:
        if module.startswith(target):
            return prefix + module.removeprefix(target)
    raise ValueError(f"{module} is not part of a pointer model")


def shard_files(directory: Path) -> list[Path]:
    """The folder's safetensors files. Raises CheckpointError when there are none or a listed one is missing."""
    index, single = directory / INDEX, directory / SINGLE
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{index} is not an index of safetensors files") from error
        files = [directory / Path(str(name)).name for name in names]
    else:
        files = [single]
    missing = [file.name for file in files if not file.is_file()]
    if missing or not files:
        raise CheckpointError(f"{directory} lacks {_some(missing or [SINGLE])}; only safetensors files are read")
    return files


class TensorFiles:
    """All tensors of a folder by module name, read one at a time."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self._where: dict[str, tuple[str, int]] = {}
        self._open = []
        for number, file in enumerate(shard_files(directory)):
            try:
                handle = stack.enter_context(safe_open(str(file), framework="pt"))
            except (SafetensorError, OSError) as error:
                raise CheckpointError(f"{file} is not a readable safetensors file: {error}") from error
            self._open.append(handle)
            for published in handle.keys():  # noqa: SIM118 - the handle is no mapping
                self._add(published, number)

    def _add(self, published: str, shard: int) -> None:
        name = module_name(published)
        if name in self._where:
            raise CheckpointError(f"{self.directory} holds {published} twice")
        self._where[name] = (published, shard)

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def shape(self, name: str) -> tuple[int, ...]:
        published, shard = self._where[name]
        return tuple(self._open[shard].get_slice(published).get_shape())

    def stored_type(self, name: str) -> str:
        """As safetensors call it, such as BF16."""
        published, shard = self._where[name]
        return str(self._open[shard].get_slice(published).get_dtype())

    def read(self, name: str) -> Tensor:
        published, shard = self._where[name]
        tensor: Tensor = self._open[shard].get_tensor(published)
        return tensor


def has_head(directory: Path) -> bool:
    """Whether any tensor of a pointer head is in the folder."""
    with ExitStack() as stack:
        return any(name.startswith(HEAD) for name in TensorFiles(directory, stack))


def all_bfloat16(directory: Path) -> bool:
    """Whether every tensor of the folder is stored in bfloat16."""
    with ExitStack() as stack:
        files = TensorFiles(directory, stack)
        return all(files.stored_type(name) == "BF16" for name in files)


def fill(model: nn.Module, directory: Path, *, tied: bool, nested: bool = False) -> None:
    """Copies every tensor of the folder into the model, in the model's types.

    ``tied`` says that the output embedding is the input embedding, ``nested`` how names are told. Raises
    CheckpointError naming the tensors that are missing, unexpected, of another shape, or not finite.
    """
    targets: dict[str, Tensor] = {**dict(model.named_parameters(remove_duplicate=False)), **_stored_buffers(model)}
    with ExitStack() as stack, torch.no_grad():
        files = TensorFiles(directory, stack)
        present = set(files)
        complain = _Complaints(directory, nested)
        if tied and _LM_HEAD not in present:
            targets.pop(_LM_HEAD, None)
        complain.about("lacks", targets.keys() - present, advice=_MIXED)
        complain.about("holds tensors this model does not have:", present - targets.keys(), advice=_MIXED)
        shapes = {n: f" {list(files.shape(n))} instead of {list(targets[n].shape)}" for n in present}
        wrong = [name for name in present if files.shape(name) != tuple(targets[name].shape)]
        complain.about("holds tensors of another shape:", wrong, shapes, _MIXED)
        bad = [name for name in sorted(present) if not _copy(files.read(name), targets[name])]
        complain.about("holds tensors with NaN or infinite values:", bad)
        if tied and _LM_HEAD in present and not torch.equal(files.read(_EMBED), files.read(_LM_HEAD)):
            complain.about("ties its embeddings, yet another one is stored in", [_LM_HEAD])


def _stored_buffers(model: nn.Module) -> dict[str, Tensor]:
    stored = model.state_dict().keys()
    return {name: tensor for name, tensor in model.named_buffers() if name in stored}


def _copy(source: Tensor, target: Tensor) -> bool:
    target.copy_(source)
    return bool(torch.isfinite(target).all())


@dataclass(frozen=True, slots=True)
class _Complaints:
    """Turns tensors that do not fit into one error that names them as they are published."""

    directory: Path
    nested: bool

    def about(self, what: str, names: Iterable[str], more: Mapping[str, str] | None = None, advice: str = "") -> None:
        listed = sorted(self._shown(name) + (more or {}).get(name, "") for name in names)
        if listed:
            raise CheckpointError(f"{self.directory} {what} {_some(listed)}{advice}")

    def _shown(self, name: str) -> str:
        return published_name(name, self.nested) if name.startswith(("backbone.", HEAD, SCORER)) else name


def _some(names: Sequence[str], show: int = 5) -> str:
    rest = f" and {len(names) - show} more" if len(names) > show else ""
    return ", ".join(names[:show]) + rest


def write(tensors: Mapping[str, Tensor], directory: Path, shard_limit: int) -> list[Path]:
    """Writes published tensors into as many files of at most ``shard_limit`` bytes as it takes, and their index.

    A single tensor above the limit gets a file of its own.
    """
    shards: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        if shards[-1] and filled + size > shard_limit:
            shards.append({})
            filled = 0
        shards[-1][name] = tensor
        filled += size
    names = (
        [SINGLE]
        if len(shards) == 1
        else [f"model-{i + 1:05}-of-{len(shards):05}.safetensors" for i in range(len(shards))]
    )
    for shard, file in zip(shards, names, strict=True):
        save_file(shard, str(directory / file), metadata={"format": "pt"})
    if len(shards) > 1:
        total = sum(t.numel() * t.element_size() for t in tensors.values())
        where = {name: file for shard, file in zip(shards, names, strict=True) for name in shard}
        index = {"metadata": {"total_size": total}, "weight_map": where}
        (directory / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return [directory / file for file in names]
