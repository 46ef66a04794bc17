"""The embedded model's tokenizer: byte-level BPE on interface text, with the published control tokens."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from reticle_grounding.model.prompts import CHAT_TOKENS, PROFILES, judge_prompt

from . import words
from .icons import icon_functions
from .instructions import FIELD_FORMS, ICON_FORMS, ROLE_FORMS, TEXT_FORMS

CONTROL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
POINTER_TOKENS = ("<|recipient|>", "<|diff_marker|>", "<|pointer_start|>", "<|pointer_end|>", "<|pointer_pad|>")
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen tokenizers split text before merging."""


def interface_corpus(seed: int, lines: int, extra: Iterable[str] = ()) -> list[str]:
    """Text as people and screens write it: every known label in several spellings, forms, values, ``extra`` names."""
    rng = Random(seed)
    known = words.vocabulary().phrases() + [text for f in icon_functions() for text in (f.name, *f.phrases)]
    forms = [
        *TEXT_FORMS,
        *ICON_FORMS,
        *(f for table in (ROLE_FORMS, FIELD_FORMS) for group in table.values() for f in group),
    ]
    corpus = [spelled for text in known for spelled in (text, text.lower(), f"click {text}", f"the {text.lower()}")] * 4
    corpus += [form.format(name="", lower="", role="button") for form in forms] * 20
    corpus += [words.value(rng) if rng.random() < 0.4 else words.compound(rng) for _ in range(lines)]
    corpus += [words.sentence(rng, 8) for _ in range(lines // 8)]
    fixed = [PROFILES["embedded"].prefix, PROFILES["embedded"].answer_start, judge_prompt("").text, "True", "False"]
    fixed += [profile.system for profile in PROFILES.values()]
    return corpus + fixed * 400 + list(extra)


def train_tokenizer(corpus: Iterable[str], vocabulary: int) -> Tokenizer:
    """A tokenizer of at most ``vocabulary`` tokens, control tokens last as in published checkpoints."""
    control = [*CONTROL_TOKENS, *POINTER_TOKENS]
    missing = [token for token in CHAT_TOKENS if token not in control]
    if missing:
        raise ValueError(f"control tokens {missing} are not covered")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(control),
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_without_control(corpus, control), trainer)
    tokenizer.add_special_tokens(control)
    return tokenizer


def _without_control(lines: Iterable[str], control: list[str]) -> Iterable[str]:
    """Lines with every control token replaced by a line break, so that none is learned as letters."""
    for line in lines:
        for token in control:
            line = line.replace(token, "\n")
        yield from (part for part in line.splitlines(keepends=True) if part)
