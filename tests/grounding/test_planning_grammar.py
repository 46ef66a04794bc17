"""Answers held to a grammar: whatever chooses among the allowed tokens, what comes out is of the grammar, in time."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import tiny_tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.planning.characters import beginnings, visible
from reticle_grounding.planning.decode import decode
from reticle_grounding.planning.grammar import Either, Grammar, InOrder, InQuotes, Listed, Maybe, OneOf
from reticle_grounding.planning.vocabulary import Constraint, Vocabulary, byte_alphabet

RULE = InOrder(
    (
        OneOf(('{"words": ',)),
        Either((OneOf(('"[1]"', '"[12]"')), InQuotes(12, bare=True, not_first="["))),
        Maybe(InOrder((OneOf((', "count": ',)), OneOf(tuple(map(str, range(1, 31))))))),
        Maybe(
            InOrder((OneOf((', "keys": [',)), Listed(OneOf(('"ctrl"', '"c"', '"\\\\"', '"\\""')), 3), OneOf(("]",))))
        ),
        Maybe(InOrder((OneOf((', "text": ',)), InQuotes(7, lines=True)))),
        OneOf(("}",)),
    )
)
GRAMMAR = Grammar(RULE)
MERGED = (
    '"}',
    '", "',
    '{"',
    ' "',
    '": "',
    "ab",
    "abc",
    " a",
    '"ctrl"',
    "\\n",
    '\\"',
    "\\\\",
    "é",
    "日",
    " \n",
    "[1",
    "]",
    "a\t",
)


def coarse_tokenizer() -> Tokenizer:
    """Bytes, and tokens that cross every border: quotation marks, escapes, parts of characters, ends of strings."""
    letter = {byte: character for character, byte in byte_alphabet().items()}
    vocabulary = {character: number for number, character in enumerate(sorted(letter.values()))}
    halves = ["日".encode()[:2], "日".encode()[2:] + b"a", "é".encode()[1:] + b'"}', b"b\xf0\x9f", b"\x98\x80"]
    for text in [*(text.encode() for text in MERGED), *halves]:
        vocabulary.setdefault("".join(letter[byte] for byte in text), len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|im_end|>"])
    return tokenizer


COARSE = Constraint(GRAMMAR, Vocabulary.of(coarse_tokenizer()))
BYTES = Constraint(GRAMMAR, Vocabulary.of(tiny_tokenizer()))


def check(text: bytes) -> None:
    answer = json.loads(text)
    words = answer["words"]
    assert words in ("[1]", "[12]") or (1 <= len(words) <= 12 and not words[0].isspace() and words[0] != "[")
    assert 1 <= answer.get("count", 1) <= 30
    assert 1 <= len(answer.get("keys", ["c"])) <= 3
    assert set(answer.get("keys", [])) <= {"ctrl", "c", "\\", '"'}
    assert 1 <= len(answer.get("text", "a")) <= 7
    assert all(visible(character) or character in "\n\t" for character in words + answer.get("text", ""))
    assert "\n" not in words
    assert list(answer) == [name for name in ("words", "count", "keys", "text") if name in answer]


@pytest.mark.parametrize("constraint", [BYTES, COARSE], ids=["bytes", "coarse"])
@given(seed=st.integers(0, 2**32 - 1), limit=st.integers(14, 90), sharp=st.booleans())
@settings(max_examples=25, deadline=None)
def test_any_choice_among_the_allowed_gives_an_answer_in_time(constraint, seed, limit, sharp):
    random = np.random.default_rng(seed)
    size = constraint.vocabulary.last + 1
    fixed = random.random(size)

    def choose(allowed):
        return int(np.argmax(np.where(allowed, fixed if sharp else random.random(size), -1)))

    text, ids = decode(constraint, choose, limit)
    assert len(ids) <= limit
    check(text)


@pytest.mark.parametrize("constraint", [BYTES, COARSE], ids=["bytes", "coarse"])
@pytest.mark.parametrize(
    "text",
    [
        '{"words": "a \\"b\\" \\\\ é日😀"}',
        '{"words": "[12]", "count": 30}',
        '{"words": "ab]", "keys": ["ctrl", "\\\\", "\\""], "text": "\\na\\tb "}',
    ],
)
def test_what_the_grammar_means_can_be_written(constraint, text):
    """Token by token, always taking the longest that agrees with the wanted text."""
    wanted = text.encode()
    at = 0

    def choose(allowed):
        nonlocal at
        fitting = [
            n for n in np.flatnonzero(allowed).tolist() if wanted.startswith(constraint.vocabulary.bytes_of[n], at)
        ]
        token = max(fitting, key=lambda n: len(constraint.vocabulary.bytes_of[n]))
        at += len(constraint.vocabulary.bytes_of[token])
        return token

    written, ids = decode(constraint, choose, 200)
    assert written == wanted
    assert (len(ids) < len(wanted)) is (constraint is COARSE)


@pytest.mark.parametrize(
    "text",
    [
        '{"words": ""}',
        '{"words": " a"}',
        '{"words": "\u00a0a"}',
        '{"words": "[2]"}',
        '{"words": "[1] a"}',
        '{"words": "abcdefghijklm"}',
        '{"words": "a\\nb"}',
        '{"words": "a\\u0041"}',
        '{"words": "a\u202eb"}',
        '{"words": "a\u2028b"}',
        '{"words": "a\ud7ff\x7f"}',
        '{"words": "a", "count": 0}',
        '{"words": "a", "count": 31}',
        '{"words": "a", "keys": []}',
        '{"words": "a", "keys": ["c", "c", "c", "c"]}',
        '{"words": "a", "text": ""}',
        '{"words": "a", "count": 1, "x": 2}',
        '{"words": "a", "text": "b", "count": 1}',
    ],
)
def test_anything_else_cannot_be_written(text):
    assert not GRAMMAR.walk(text.encode())


def test_no_state_is_a_dead_end_and_the_shortest_way_is_as_long_as_told():
    """From states along random texts: some byte always leads on, and one of them is a step nearer to the end."""
    random = np.random.default_rng(1)
    for _ in range(5):
        state = GRAMMAR.start
        while not GRAMMAR.done(state):
            following = [after for byte in range(256) if (after := GRAMMAR.step(state, byte))]
            assert min(map(GRAMMAR.least, following)) == GRAMMAR.least(state) - 1
            state = following[random.integers(len(following))]


def test_the_mask_is_what_walking_every_token_gives():
    vocabulary = COARSE.vocabulary
    random = np.random.default_rng(2)
    compared = 0
    for _ in range(5):
        state = GRAMMAR.start
        while not GRAMMAR.done(state):
            left = GRAMMAR.least(state) + int(random.integers(0, 4))
            expected = np.zeros(vocabulary.last + 1, bool)
            for number in vocabulary.bytes_of:
                after = COARSE.advance(state, number)
                expected[number] = bool(after) and GRAMMAR.least(after) < left
            np.testing.assert_array_equal(COARSE.allowed(state, left), expected)
            compared += int(expected.sum())
            state = COARSE.advance(state, int(random.choice(np.flatnonzero(COARSE.allowed(state, 99)))))
    assert compared > 1000


def test_beginnings_of_characters_can_all_be_completed():
    completed = {chr(n).encode()[:end] for n in range(0x80, 0x30000) if visible(chr(n)) for end in (1, 2, 3)}
    assert beginnings() <= completed
    assert b"\xf4" not in beginnings()  # private use alone follows
    assert b"\xed\xa0" not in beginnings()  # surrogates


def test_limits_and_tokenizers_that_cannot_be():
    with pytest.raises(BadInput, match="at most 3 tokens"):
        decode(BYTES, lambda allowed: 0, 3)
    with pytest.raises(ValueError, match="may not come here"):
        decode(BYTES, lambda allowed: int(np.flatnonzero(~allowed)[0]), 50)
    with pytest.raises(CheckpointError, match="no byte-level"):
        Vocabulary.of(Tokenizer(models.BPE(vocab={"a": 0, "b": 1}, merges=[])))
    for rule in (OneOf(()), OneOf(("",)), InQuotes(0), Listed(OneOf(("a",)), 0)):
        with pytest.raises(ValueError, match=r"needs|cannot"):
            Grammar(rule)


def test_control_tokens_are_never_written():
    tokenizer = coarse_tokenizer()
    assert tokenizer.token_to_id("<|im_end|>") not in Vocabulary.of(tokenizer).bytes_of
