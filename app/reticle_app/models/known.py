"""Published checkpoints of the families this program opens, and the licences of what they were made from.

Licences are what public model cards and licence files say; None is "not known to us". A card read while pulling goes
before this table, and a base found by any way counts. Nothing here is legal advice.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Base:
    """A vision-language model that checkpoints are trained from."""

    repository: str
    licence: str | None
    shape: tuple[str, int, int] | None = None
    """(model_type, hidden size, decoder layers), by which it is recognised in a config.json."""


@dataclass(frozen=True, slots=True)
class Known:
    """A published checkpoint."""

    repository: str
    method: str
    """``gui_actor``, ``gui_aima``, ``focusui``, or ``verifier`` for one that judges and does not point."""
    size: str
    """Parameters, as published."""
    base: str
    licence: str | None
    """What its own card says."""
    note: str = ""

    @property
    def name(self) -> str:
        return self.repository.rpartition("/")[2]


_ACTOR_2B, _ACTOR_7B = "Qwen/Qwen2-VL-2B-Instruct", "Qwen/Qwen2-VL-7B-Instruct"
_BASE_3B, _BASE_7B = "Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"
_TARS, _QWEN3 = "ByteDance-Seed/UI-TARS-2B-SFT", "Qwen/Qwen3-VL-2B-Instruct"

BASES: tuple[Base, ...] = (
    Base(_ACTOR_2B, "apache-2.0", ("qwen2_vl", 1536, 28)),
    Base(_ACTOR_7B, "apache-2.0", ("qwen2_vl", 3584, 28)),
    Base(_BASE_3B, "qwen-research", ("qwen2_5_vl", 2048, 36)),
    Base(_BASE_7B, "apache-2.0", ("qwen2_5_vl", 3584, 28)),
    Base(_QWEN3, "apache-2.0"),
    Base(_TARS, None),
)

KNOWN: tuple[Known, ...] = (
    Known("microsoft/GUI-Actor-2B-Qwen2-VL", "gui_actor", "2B", _ACTOR_2B, "mit"),
    Known("microsoft/GUI-Actor-7B-Qwen2-VL", "gui_actor", "7B", _ACTOR_7B, "mit"),
    Known("microsoft/GUI-Actor-3B-Qwen2.5-VL", "gui_actor", "3B", _BASE_3B, "mit"),
    Known("microsoft/GUI-Actor-7B-Qwen2.5-VL", "gui_actor", "7B", _BASE_7B, "mit"),
    Known("qianhuiwu/GUI-Actor-3B-Qwen2.5-VL-LiteTrain", "gui_actor", "3B", _BASE_3B, None, "warm-up stage only"),
    Known("qianhuiwu/GUI-Actor-7B-Qwen2.5-VL-LiteTrain", "gui_actor", "7B", _BASE_7B, None, "warm-up stage only"),
    Known("microsoft/GUI-Actor-Verifier-2B", "verifier", "2B", _TARS, "mit", "judges places, does not point"),
    Known("smz8599/GUI-AIMA-3B", "gui_aima", "3B", _BASE_3B, None),
    Known("smz8599/GUI-AIMA-lite-3B", "gui_aima", "3B", _BASE_3B, None, "trained on less data"),
    Known("smz8599/GUI-AIMA-3B-kl", "gui_aima", "3B", _BASE_3B, None, "soft labels"),
    Known("yyyang/FocusUI-3B", "focusui", "3B", _BASE_3B, None),
    Known("yyyang/FocusUI-7B", "focusui", "7B", _BASE_7B, None),
    Known("yyyang/FocusUI-Qwen3-VL-2B", "focusui", "2B", _QWEN3, None),
)


def known(repository: str) -> Known | None:
    """The entry of a repository, named in full or by its last part."""
    return next((k for k in KNOWN if repository in (k.repository, k.name)), None)


def base_named(repository: str) -> Base | None:
    return next((b for b in BASES if b.repository == repository), None)


def base_shaped(config: dict[str, object]) -> Base | None:
    """The base whose sizes a config.json (flat or nested) has."""
    text = config.get("text_config")
    sizes = text if isinstance(text, dict) else config
    shape = (config.get("model_type"), sizes.get("hidden_size"), sizes.get("num_hidden_layers"))
    return next((b for b in BASES if b.shape == shape), None)
