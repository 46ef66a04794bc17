"""The same numbers as the reference implementations on their own inputs and weights: what all families share."""

import json

import numpy as np
import pytest
import torch
from parity_record import near, same
from PIL import Image
from safetensors.torch import load_file

from reticle_grounding.geometry import Point, Size
from reticle_grounding.model.pointer_head import pointer_loss
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.prompts import PROFILES, judge_prompt
from reticle_grounding.regions import find_regions
from reticle_grounding.training.labels import cell_of, soft_cells, touched_cells
from reticle_grounding.training.records import STYLES, parts, token_labels, with_pointers

ACTORS = ("gui_actor_qwen2vl", "gui_actor_qwen25vl")
FULL_ATTENTION = (*ACTORS, "gui_aima_qwen25vl")
ALL = (*FULL_ATTENTION, "focusui_qwen25vl", "focusui_qwen3vl")
SECOND_SYSTEM = {"focusui_qwen25vl": "You are a helpful assistant."}


@pytest.fixture(scope="module", params=ALL)
def folder(request, golden_folder):
    return golden_folder(request.param)


@pytest.fixture(scope="module", params=FULL_ATTENTION)
def plain(request, golden_folder):
    """Families that show the decoder the whole picture."""
    return golden_folder(request.param)


@pytest.fixture(scope="module", params=ACTORS)
def actor(request, golden_folder):
    return golden_folder(request.param)


def test_parity_of_prompt_and_tokens(folder):
    for name, case in folder.single():
        prompt = folder.model.profile.prompt(case["instruction"])
        folder.equal(name, "prompt", prompt.text, case["prompt"])
        folder.equal(name, "system message", folder.model.profile.system, folder.stored["system_message"])
        ids = folder.model.tokenizer.encode(prompt, case["n_visual"])
        folder.same(name, "input_ids", torch.tensor([ids]))
        runner = folder.model.runner
        short = runner.opening(case["n_visual"]) + runner.question(case["instruction"])
        assert ids[: len(short)] == short
        assert short[-1] == folder.model.module.pointer_pad_id


def test_parity_of_tokens_with_several_pointers(folder):
    for name, case in folder.cases.items():
        ids = folder.model.tokenizer.before(case["prompt"], case["n_visual"])
        folder.same(name, "input_ids", torch.tensor([ids]))
        folder.equal(name, "n_pointers", ids.count(folder.model.module.pointer_pad_id), case["n_pointers"])


def test_parity_of_pixels(folder):
    for name, case in folder.cases.items():
        patches = folder.model.processor(folder.image(name))
        folder.same(name, "image_grid_thw", torch.tensor([patches.grid]))
        folder.equal(name, "n_width", patches.grid[2] // 2, case["n_width"])
        folder.equal(name, "n_height", patches.grid[1] // 2, case["n_height"])
        folder.close(name, "pixel_values", torch.from_numpy(patches.pixels), 1e-6)


@torch.inference_mode()
def test_parity_of_vision_and_positions(folder):
    module = folder.model.module
    for name in folder.cases:
        ids, grid = folder.tensor(name, "input_ids"), folder.tensor(name, "image_grid_thw")
        sight = module.sight(folder.tensor(name, "pixel_values"), grid)
        folder.close(name, "vision_embeds", sight.merged, 1e-5)
        for number, level in enumerate(sight.levels):
            folder.close(name, f"deepstack.{number}", level, 1e-5)
        positions = module.positions(ids, grid)
        whole = [at for at in ("", "keep1.0.") if f"{name}.{at}position_ids" in folder.tensors]
        for at in whole:
            folder.same(name, f"{at}position_ids", positions)
        folder.same(name, "rope_deltas", (positions.max() + 1 - ids.shape[1]).view(1, 1))


@torch.inference_mode()
def test_parity_of_every_stage(plain):
    module = plain.model.module
    first: list[torch.Tensor] = []
    hook = module.backbone.model.language_model.layers[0].register_forward_hook(
        lambda _m, _a, out: first.append(out[0])
    )
    for name in plain.cases:
        ids, grid = plain.tensor(name, "input_ids"), plain.tensor(name, "image_grid_thw")
        visual = module.vision(plain.tensor(name, "pixel_values"), grid)
        embeds = module.embed(ids, visual)
        pads = ids == module.image_token_id
        plain.close(name, "hidden_visual_in", embeds[pads], 1e-5)
        states = module.decode(embeds, module.positions(ids, grid))
        plain.close(name, "hidden_all_layer1", first.pop(), 1e-4)
        plain.close(name, "hidden_visual_last", states[pads], 1e-4)
        queries = module.pointer_queries(ids, states)
        plain.close(name, "hidden_pointer_last", queries, 1e-4)
        plain.close(name, "lm_logits_last", module.language_logits(states[0, -1]), 1e-4)
        if module.multi_patch_pointer_head is not None:
            logits = module.head(queries, visual)
            plain.close(name, "head_logits", logits, 1e-4)
            plain.close(name, "head_attn", logits.softmax(-1), 1e-5)
    hook.remove()


@torch.inference_mode()
def test_parity_of_generated_answers(actor):
    """The answer token by token, as far as the pointer: its state in a whole forward is that of its decoding step."""
    module = actor.model.module
    made = [name for name in actor.cases if f"{name}.generated.sequence" in actor.tensors]
    for name in made:
        ids, grid = actor.tensor(name, "generated.sequence"), actor.tensor(name, "image_grid_thw")
        visual = module.vision(actor.tensor(name, "pixel_values"), grid)
        states = module.decode(module.embed(ids, visual), module.positions(ids, grid))
        logits = module.head(module.pointer_queries(ids, states), visual)
        actor.close(name, "generated.head_logits", logits, 1e-4)
        actor.close(name, "generated.head_attn", logits.softmax(-1), 1e-5)
        script = actor.tensor(name, "generated.script_ids").tolist()
        text = actor.cases[name]["generated"]["output_text"]
        actor.equal(name, "generated.script_ids", actor.model.tokenizer.markup(text), script)


def record_ids(folder, case):
    """Ids and language labels of a case's training record."""
    profile = folder.model.profile
    if folder.inputs.name == "gui_actor_qwen2vl":
        profile = PROFILES["qwen2_5_vl"]  # the published dataset class knows only this system message
    style = STYLES[folder.model.module.family.method]
    pieces = parts(case["train"]["conversations"], profile, style, SECOND_SYSTEM.get(folder.inputs.name, ""))
    tokenizer = folder.model.tokenizer
    encoded = [(tokenizer.before(text, case["n_visual"]), learned) for text, learned in pieces]
    ids = [token for part, _ in encoded for token in part]
    learned = [flag for part, flag in encoded for _ in part]
    end = tokenizer.token_id("<|pointer_end|>")
    return "".join(text for text, _ in pieces), ids, token_labels(ids, learned, end)


def test_parity_of_training_records(folder):
    for name, case in folder.cases.items():
        text, ids, labels = record_ids(folder, case)
        folder.equal(name, "train.text", text, case["train"]["text"])
        folder.same(name, "train.input_ids", torch.tensor([ids]))
        folder.same(name, "train.labels", torch.tensor([labels]))
        style = STYLES[folder.model.module.family.method]
        answer = case["train"]["conversations"][1]["value"]
        expected = case["train"]["coordinates"]
        folder.near(name, "train.coordinates", with_pointers(answer, style)[1], expected, 1e-12)


def test_parity_of_training_targets(folder):
    for name, case in folder.cases.items():
        rows, columns = case["n_height"], case["n_width"]
        cell = folder.model.processor.cell
        box = tuple(case["train"]["conversations"][1]["bbox_gt"])
        size = Size(columns * cell, rows * cell)
        expected = folder.tensor(name, "train.multi_patch_labels")
        if folder.model.module.family.method == "gui_aima":
            ours = soft_cells(box, size, cell)
        else:
            ours = touched_cells([box], size, cell)
        folder.close(name, "train.multi_patch_labels", torch.from_numpy(ours).view(1, -1).expand_as(expected), 1e-6)


def test_parity_of_points_to_patches(folder):
    for name, case in folder.cases.items():
        columns, rows, cell = case["n_width"], case["n_height"], folder.model.processor.cell
        size = Size(columns * cell, rows * cell)
        ours = [cell_of(Point(*xy), size, cell) for xy in case["train"]["coordinates"]]
        folder.same(name, "train.visual_token_indices", torch.tensor(ours))


def language_loss(module, states, labels):
    logits = module.language_logits(states[:, :-1])
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


@torch.inference_mode()
def test_parity_of_the_losses(actor):
    module = actor.model.module
    for name, case in actor.cases.items():
        ids, grid = actor.tensor(name, "train.input_ids"), actor.tensor(name, "image_grid_thw")
        visual = module.vision(actor.tensor(name, "pixel_values"), grid)
        states = module.decode(module.embed(ids, visual), module.positions(ids, grid))
        queries = module.pointer_queries(ids, states)
        actor.close(name, "train.hidden_pointer_last", queries, 1e-4)
        logits = module.head(queries, visual)
        actor.close(name, "train.head_logits", logits, 1e-4)
        actor.close(name, "train.head_attn", logits.softmax(-1), 1e-5)
        loss = case["train"]["loss"]
        ours = pointer_loss(logits, actor.tensor(name, "train.multi_patch_labels"))
        actor.near(name, "train.pointer_loss", float(ours), loss["pointer_loss"], 1e-4)
        actor.near(name, "train.loss.warmup", float(ours), case["train"]["loss.warmup"]["loss"], 1e-4)
        language = language_loss(module, states, actor.tensor(name, "train.labels"))
        actor.near(name, "train.lm_loss", float(language), loss["lm_loss"], 1e-4)
        actor.near(name, "train.loss", float(ours + language), loss["loss"], 2e-4)


@torch.inference_mode()
def test_parity_of_a_padded_batch(actor):
    """Two screenshots of different length in one batch, as the trainer feeds them."""
    if actor.batch is None:
        pytest.skip("this set has no batch")
    members, module = actor.batch["members"], actor.model.module
    ids, mask = actor.tensors["batch.input_ids"], actor.tensors["batch.attention_mask"]
    grid = torch.cat([actor.tensor(name, "image_grid_thw") for name in members])
    pixels = torch.cat([actor.tensor(name, "pixel_values") for name in members])
    visual = module.vision(pixels, grid)
    positions = module.positions(ids, grid, mask)
    # The published Qwen2.5-VL code counts on over padding; real tokens have the same positions.
    actor.equal("batch", "position_ids", positions[:, mask], actor.tensors["batch.position_ids"][:, mask])
    states = module.decode(module.embed(ids, visual), positions, mask)
    losses = []
    for row, part in enumerate(visual.split([actor.cases[name]["n_visual"] for name in members])):
        logits = module.head(states[row][ids[row] == module.pointer_pad_id], part)
        actor.close("batch", f"head_attn.{row}", logits.softmax(-1), 1e-5)
        losses.append(pointer_loss(logits, actor.tensor(members[row], "train.multi_patch_labels")))
    actor.near("batch", "pointer_loss", float(sum(losses)) / len(losses), actor.batch["pointer_loss"], 1e-4)
    language = language_loss(module, states, actor.tensors["batch.labels"])
    actor.near("batch", "lm_loss", float(language), actor.batch["lm_loss"], 1e-4)


def test_parity_from_picture_to_regions(actor):
    for name, case in actor.single():
        attention = actor.model.attend(actor.model.encode(actor.image(name)), case["instruction"])
        assert attention.shape == (case["n_height"], case["n_width"])
        actor.close(name, "head_attn", torch.from_numpy(attention).view(1, -1), 1e-5)
        check_regions(actor, name, attention, case["topk"], 1e-5)


def test_parity_of_regions_with_several_pointers(actor):
    """Only the first pointer's map is decoded."""
    for name, case in actor.cases.items():
        first = actor.tensor(name, "head_attn")[0].view(case["n_height"], case["n_width"]).numpy()
        check_regions(actor, name, first, case["topk"], 1e-6)


def check_regions(folder, name, attention, count, tolerance):
    (rows, columns), case = attention.shape, folder.cases[name]
    found = find_regions(attention)[:count]
    points = [(r.point.x / columns, r.point.y / rows) for r in found]
    folder.near(name, "topk_points", points, case["topk_points"], tolerance)
    folder.near(name, "topk_values", [r.mean for r in found], case["topk_values"], tolerance)
    for region, expected in zip(found, case["topk_points_all"], strict=True):
        ours = [((c + 0.5) / columns, (r + 0.5) / rows) for r, c in region.patches]
        folder.near(name, "topk_points_all", sorted(ours), sorted(map(tuple, expected)), 1e-9)


@torch.inference_mode()
def test_parity_of_the_judge(golden, golden_weights):
    inputs = golden / "verifier"
    if not (inputs / "cases.json").is_file():
        pytest.skip(f"no verifier cases in {golden}")
    model = PointerModel.open(golden_weights / "gui_actor_qwen2vl")
    tensors = load_file(inputs / "cases.safetensors")
    for case in json.loads((inputs / "cases.json").read_text())["end_to_end"]:
        key = f"e2e.{case['id']}"
        prompt, at = judge_prompt(case["instruction"]), f"verifier/{key}"
        same(at, "prompt", prompt.text, case["prompt"])
        grid = tensors[f"{key}.image_grid_thw"]
        ids = model.tokenizer.encode(prompt, int(grid.prod()) // 4)
        same(at, "input_ids", ids, tensors[f"{key}.input_ids"][0])
        for word, field in (("True", "true_id"), ("False", "false_id")):
            same(at, field, model.tokenizer.first_id(word), case[field])
        crop = restored(tensors[f"{key}.pixel_values"], grid[0].tolist(), model.processor)
        logits = model.judge_logits(crop, case["instruction"])
        near(at, "last_logits", logits, tensors[f"{key}.last_logits"].view_as(logits), 1e-4)
        near(at, "score", model.judge(crop, case["instruction"]), case["score"], 1e-5)


def restored(pixels: torch.Tensor, grid: list[int], processor) -> Image.Image:
    """The resized picture that these patches were cut from."""
    _, rows, columns = grid
    cells = pixels.view(rows // 2, columns // 2, 2, 2, 3, 2, 14, 14)[:, :, :, :, :, 0]
    picture = cells.permute(0, 2, 5, 1, 3, 6, 4).reshape(rows * 14, columns * 14, 3).double().numpy()
    values = (picture * processor.std + processor.mean) / processor.rescale
    return Image.fromarray(np.rint(values).astype(np.uint8))
