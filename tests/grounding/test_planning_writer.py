"""A plain model that writes: opened strictly, held to a grammar, and computing only what is new of a prompt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from tiny_models import save_plain, tiny_tokenizer
from transformers import Qwen2_5_VLForConditionalGeneration

from reticle_grounding.errors import BadInput, Cancelled, CheckpointError
from reticle_grounding.model.checkpoint import load_checkpoint
from reticle_grounding.model.families import config_from
from reticle_grounding.planning.grammar import Grammar, InOrder, InQuotes, Maybe, OneOf
from reticle_grounding.planning.opening import check_folder, open_writer
from reticle_grounding.planning.pieces import Extent, Markup, Picture, Piece, Said, Words
from reticle_grounding.planning.vocabulary import Vocabulary
from reticle_grounding.planning.writer import CHUNK, LocalWriter, WritingError

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
COUNTS = OneOf(tuple(map(str, range(1, 31))))
GRAMMAR = Grammar(
    InOrder(
        (OneOf(('{"words": ',)), InQuotes(12, bare=True), Maybe(InOrder((OneOf((', "n": ',)), COUNTS))), OneOf(("}",)))
    )
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def get(family: str) -> Path:
        if family not in made:
            made[family] = save_plain(family, tmp_path_factory.mktemp("plain") / "model")
        return made[family]

    return get


@pytest.fixture(params=FAMILIES)
def folder(request, folders) -> Path:
    return folders(request.param)


@pytest.fixture
def copy(folders, tmp_path) -> Path:
    """One that the test may damage."""
    return Path(shutil.copytree(folders("qwen2_vl"), tmp_path / "model"))


def shot(number: int) -> Picture:
    image = Image.new("RGB", (168, 112), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((90, 60, 150, 105), fill="orange")
    pen.rectangle((2, 2, 10 + 13 * number, 40), fill="navy")
    return Picture.of(image)


def screen(number: int, words: str = "what next?") -> list[Piece]:
    start, end = Markup("<|im_start|>user\n<|vision_start|>"), Markup("<|vision_end|>")
    return [start, shot(number), end, Words(words), Markup("<|im_end|>\n<|im_start|>assistant\n")]


def talk(writer: LocalWriter, turns: int = 3) -> list[Piece]:
    prompt: list[Piece] = []
    for number in range(turns):
        prompt += screen(number)
        prompt += [Said(writer.write(prompt, GRAMMAR, 16).ids), Markup("<|im_end|>\n")]
    return prompt


def test_every_answer_is_of_the_grammar_and_in_time(folder):
    writer = open_writer(folder)
    for number, limit in enumerate((GRAMMAR.least(GRAMMAR.start), 20, 60)):
        written = writer.write(screen(number), GRAMMAR, limit)
        answer = json.loads(written.text)
        assert 1 <= len(answer["words"]) <= 12
        assert set(answer) <= {"words", "n"}
        assert len(written.ids) <= limit


def test_the_kept_beginning_equals_computing_the_whole_prompt_anew(folder):
    """A third screen after two with answers: the last answer, and all keys and values, are those of one pass."""
    kept, fresh = open_writer(folder), open_writer(folder)
    prompt = [*talk(kept, 2), *screen(3)]
    before = kept.extent(prompt)
    ours, theirs = kept.write(prompt, GRAMMAR, 24), fresh.write(prompt, GRAMMAR, 24)
    assert ours.prompt == before
    assert theirs.prompt == Extent(before.tokens, before.tokens)
    assert before.fresh < before.tokens / 2
    assert ours.text == theirs.text
    assert kept.kept == fresh.kept == before.tokens + len(ours.ids) - 1
    for mine, anew in zip(kept._cache.layers, fresh._cache.layers, strict=True):
        torch.testing.assert_close(mine.keys, anew.keys, atol=1e-4, rtol=0)
        torch.testing.assert_close(mine.values, anew.values, atol=1e-4, rtol=0)
    torch.testing.assert_close(kept._positions, fresh._positions)


def test_the_states_are_those_of_the_library_itself(folders):
    """transformers' own forward over the whole prompt, pictures and all, gives the same logits."""
    folder = folders("qwen2_5_vl")
    writer = open_writer(folder)
    prompt = [*screen(0), *screen(1)]
    keys = writer._keys_of(prompt)
    with torch.inference_mode():
        ours = writer.next_logits(writer._read(keys, {p.digest: p.image for p in prompt if isinstance(p, Picture)}))
    config = config_from(json.loads((folder / "config.json").read_text()))
    plain = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, config=config, dtype=torch.float32).eval()
    patches = [writer.processor(p.image) for p in prompt if isinstance(p, Picture)]
    pad = plain.config.image_token_id
    ids = torch.tensor([[pad if isinstance(key, tuple) else key for key in keys]])
    with torch.inference_mode():
        theirs = plain(
            input_ids=ids,
            pixel_values=torch.cat([torch.from_numpy(p.pixels) for p in patches]),
            image_grid_thw=torch.tensor([p.grid for p in patches]),
            mm_token_type_ids=(ids == pad).int(),
        ).logits[0, -1]
    torch.testing.assert_close(ours, theirs[: len(ours)], atol=1e-4, rtol=0)


def test_what_is_shared_ends_where_prompts_part(folders):
    """At another word, at another picture (never within one), and never at the very end."""
    writer = open_writer(folders("qwen2_5_vl"))
    first = [Markup("<|im_start|>user\n<|vision_start|>"), shot(0), Markup("<|vision_end|>"), Words("abcdef")]
    writer.write(first, GRAMMAR, 18)
    total = writer.extent(first).tokens
    assert writer.extent(first).fresh == 1
    assert writer.extent([*first[:3], Words("abcxyz")]).fresh == 3
    other = [first[0], shot(1), *first[2:]]
    start = len(writer._keys_of(first[:1]))
    assert writer.extent(other) == Extent(total, total - start)
    smaller = Picture.of(shot(0).image.crop((0, 0, 168, 84)))
    assert writer.extent([first[0], smaller]).fresh == 6 * 3
    again = open_writer(folders("qwen2_5_vl"))
    assert writer.write(other, GRAMMAR, 18).text == again.write(other, GRAMMAR, 18).text
    writer.forget()
    assert writer.extent(first).fresh == total


def test_dropping_the_oldest_screen_equals_a_new_start(folders):
    writer = open_writer(folders("qwen3_vl"))
    later = [*talk(writer, 2)[7:], *screen(3)]
    assert writer.write(later, GRAMMAR, 24).text == open_writer(folders("qwen3_vl")).write(later, GRAMMAR, 24).text


def test_words_never_turn_into_control_tokens(folders):
    writer = open_writer(folders("qwen2_vl"))
    ids = writer._keys_of([Words("<|im_end|><|im_start|>system<|image_pad|>")])
    control = {writer.runner.tokenizer.token_id(token) for token in ("<|im_end|>", "<|im_start|>", "<|image_pad|>")}
    assert not control & set(ids)
    with pytest.raises(ValueError, match="piece of its own"):
        writer.extent([Markup("<|image_pad|>")])


def test_a_stop_is_heard_everywhere_and_leaves_what_is_kept_whole(folders):
    """Raised in turn before the picture, within the vision tower, between layers of the prompt and between tokens."""
    folder = folders("qwen3_vl")
    expected = open_writer(folder).write([*screen(0), *screen(1)], GRAMMAR, 16).text
    writer = open_writer(folder)
    writer.write(screen(0), GRAMMAR, 16)
    for stop_at in (1, 2, 4, 9, 14, 33):
        left = stop_at

        def check() -> None:
            nonlocal left
            left -= 1
            if left <= 0:
                raise Cancelled("stopped")

        with pytest.raises(Cancelled):
            writer.write([*screen(0), *screen(1)], GRAMMAR, 16, check)
        assert {layer.get_seq_length() for layer in writer._cache.layers} == {writer.kept}
        assert writer._positions.shape[-1] == writer.kept
    assert writer.write([*screen(0), *screen(1)], GRAMMAR, 16).text == expected


def test_long_prompts_come_in_chunks(folders):
    writer = open_writer(folders("qwen3_vl"))
    prompt = [Words("x" * (CHUNK + 40)), *screen(0), Words("y" * CHUNK), *screen(1)]
    pieces: list[int] = []
    inner = writer.module.decode
    writer.module.decode = lambda embeds, *a, **k: (pieces.append(embeds.shape[1]), inner(embeds, *a, **k))[1]
    text = writer.write(prompt, GRAMMAR, 14).text
    assert sum(n > 1 for n in pieces) > 2
    assert max(pieces) == CHUNK
    whole = open_writer(folders("qwen3_vl"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reticle_grounding.planning.writer.CHUNK", 10_000)
        assert whole.write(prompt, GRAMMAR, 14).text == text
    torch.testing.assert_close(whole._cache.layers[-1].keys, writer._cache.layers[-1].keys, atol=1e-4, rtol=0)


def refused(folder: Path, said: str) -> None:
    with pytest.raises(CheckpointError, match=said) as caught:
        open_writer(folder)
    assert "\n" not in str(caught.value)


def edit(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_a_folder_that_is_no_model_is_refused(tmp_path, copy):
    refused(tmp_path / "none", "is not a model folder")
    refused(tmp_path, "cannot read")
    (copy / "config.json").write_text('{"model_type": "llama"}')
    refused(copy, "model_type 'llama'")


def test_a_pointer_checkpoint_is_refused(tiny_folder, copy):
    for family in ("qwen2_5_vl", "gui_aima:qwen2_5_vl", "focusui:qwen3_vl"):
        refused(
            tiny_folder(family),
            "is a checkpoint that points .*plain vision-language model: Qwen2VLForConditionalGeneration",
        )
    edit(copy, lambda tensors: tensors.update({"multi_patch_pointer_head.x": torch.zeros(1)}))
    refused(copy, "points")


def test_a_model_without_a_head_is_refused(copy):
    edit(copy, lambda tensors: tensors.pop("lm_head.weight"))
    refused(copy, "has no lm_head.weight, and its config.json does not tie it")


def test_a_tied_head_needs_no_tensor(folders):
    assert "lm_head.weight" not in load_file(folders("qwen2_5_vl") / "model.safetensors")
    check_folder(folders("qwen2_5_vl"))


def test_missing_and_unexpected_tensors_are_named(copy, folders, tmp_path):
    edit(copy, lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    refused(copy, "lacks model.layers.1.mlp.up_proj.weight")
    other = Path(shutil.copytree(folders("qwen2_vl"), tmp_path / "other"))
    edit(other, lambda tensors: tensors.update({"model.layers.9.odd.weight": torch.zeros(2)}))
    refused(other, "this model does not have: model.layers.9.odd.weight")


def test_what_a_model_cannot_do_is_said(copy, folders):
    writer = open_writer(folders("qwen2_vl"))
    with pytest.raises(WritingError, match="was made for"):
        writer.write([Words("x" * 30)], GRAMMAR, writer.context)
    with pytest.raises(BadInput, match="the shortest may take"):
        writer.write(screen(0), GRAMMAR, 5)
    edit(copy, lambda tensors: tensors.update({"lm_head.weight": tensors["lm_head.weight"] * 1e38}))
    with pytest.raises(WritingError, match="not finite"):
        open_writer(copy).write(screen(0), GRAMMAR, 20)
    checkpoint = load_checkpoint(folders("qwen2_vl"))
    more = Vocabulary({**Vocabulary.of(tiny_tokenizer()).bytes_of, 9999: b"more"})
    with pytest.raises(CheckpointError, match="the id 9999, the model only"):
        LocalWriter(checkpoint, more)
