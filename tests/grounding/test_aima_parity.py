"""GUI-AIMA: head weights, maps, losses and the second look of the reference, and what reuse must not change."""

import json

import pytest
import torch
from parity_record import near, same
from safetensors.torch import load_file

from reticle_grounding.geometry import Point, Size
from reticle_grounding.model.attention_rows import Rows
from reticle_grounding.model.gui_aima import (
    GuiAima,
    Weighting,
    attention_loss,
    attention_map,
    chosen_words,
    head_weights,
    pattern_weights,
    strongest_heads,
    word_weights,
)
from reticle_grounding.regions import find_regions
from reticle_grounding.second_look import zoom_box


def weighting_of(variant):
    """``query_3_layer_wise`` and the like."""
    kind = variant.split("_")[1]
    options = {"per_layer": "layer_wise" in variant, "part": variant.endswith("part")}
    return Weighting(None, kl=True, **options) if kind == "kl" else Weighting(int(kind), **options)


@pytest.fixture(scope="module")
def aima(golden_folder):
    return golden_folder("gui_aima_qwen25vl")


@pytest.fixture(scope="module")
def pure(golden):
    inputs = golden / "pure_gui_aima"
    if not (inputs / "cases.json").is_file():
        pytest.skip(f"no pure_gui_aima in {golden}")
    return json.loads((inputs / "cases.json").read_text()), load_file(inputs / "cases.safetensors")


def test_parity_of_head_weights_and_losses(pure):
    cases, tensors = pure
    for case in cases["attention_head"]:

        def stored(field, key=f"attention_head.{case['id']}"):
            return tensors[f"{key}.{field}"]

        attention, words, patches = stored("attentions")[:, 0], stored("query_indices"), stored("visual_indices")
        mass = attention[:, :, words][..., patches].sum(-1)
        anchor = attention[:, :, stored("target_indices")][..., patches].mean(2)
        at = {int(token): i for i, token in enumerate(words)}

        def places(field, at=at):
            return torch.tensor([[at[int(t)] for t in row] for row in stored(field).view(-1, stored(field).shape[-1])])

        layers = mass.shape[0]
        weights = {
            "topk": word_weights(mass, places("topk_query_indices").expand(layers, -1)),
            "layer_wise": word_weights(mass, places("topk_query_indices_layer_wise")),
            "kl": pattern_weights(mass, stored("global_pattern")),
            "mean": head_weights(mass, torch.zeros(layers, len(at)), Weighting(None)),
        }
        for variant, options in case["variants"].items():
            if options["head_topk"] > 0:
                weights[variant] = strongest_heads(anchor, options["head_topk"])
        for variant in case["variants"]:
            ours = attention_map(anchor, weights[variant])
            at = f"pure_gui_aima/attention_head.{case['id']}"
            near(at, f"{variant}.attn", ours, stored(f"{variant}.attn")[0], 1e-6)
            loss = float(attention_loss(ours, stored("labels")))
            near(at, f"{variant}.loss", loss, case["variants"][variant]["loss"], 1e-5)


def test_parity_of_the_second_look(pure):
    for number, case in enumerate(pure[0]["second_stage_crop"]):
        box = zoom_box(Point(*case["point_px"]), Size(*case["image_size"]), case["crop_size"])
        same(f"pure_gui_aima/second_stage_crop.{number}", "box", list(box.as_tuple()), case["box"])


@torch.inference_mode()
def test_parity_of_rows(aima):
    """All rows of the words and pointers, on the whole sequence."""
    module = aima.model.module
    for name in aima.cases:
        ids, grid = aima.tensor(name, "input_ids"), aima.tensor(name, "image_grid_thw")
        words, pointers = aima.tensor(name, "query_indices"), aima.tensor(name, "target_indices")
        rows = Rows([*words.tolist(), *pointers.tolist()], slice(0, ids.shape[1]))
        embeds = module.embed(ids, aima.tensor(name, "vision_embeds"))
        module.decode(embeds, module.positions(ids, grid), rows=rows)
        ours = torch.stack(rows.layers)
        aima.close(name, "recomputed.attn_rows", ours, 1e-5)
        patches = aima.tensor(name, "visual_indices")
        aima.close(name, "target_rows", ours[:, :, len(words) :][..., patches], 1e-5)


def variant_has(aima, name, variant):
    return f"{name}.query_indices.{variant}" in aima.tensors


def stored_variants(aima):
    return [
        (name, case, variant)
        for name, case in aima.cases.items()
        for variant in case["variants"]
        if not variant.startswith("recomputed:")
    ]


@torch.inference_mode()
def test_parity_of_maps(aima):
    for name, case, variant in stored_variants(aima):
        weighting = weighting_of(variant)
        method = GuiAima(aima.model.runner, weighting)
        ids = aima.tensor(name, "input_ids")
        attention, nearness = method.observe(ids, aima.view(name))
        words = aima.tensor(name, f"query_indices.{variant}" if variant_has(aima, name, variant) else "query_indices")
        assert nearness.shape[-1] == len(words)
        if weighting.kl:
            aima.close(name, f"global_pattern.{variant}", nearness.sum(0).softmax(-1), 1e-4)
        else:
            chosen = words[chosen_words(nearness, weighting)]
            expected = aima.tensor(name, f"topk_query_indices.{variant}")
            ours, expected = chosen.sort(-1).values, expected.sort(-1).values.expand_as(chosen)
            aima.equal(name, f"topk_query_indices.{variant}", ours, expected)
        ours = method.attend_prompt(ids, aima.view(name))
        aima.close(name, f"head_attn.{variant}", ours[None], 1e-5)
        check_regions(aima, name, variant, ours)
        if case["n_pointers"] == 1 and f"{name}.recomputed.head_attn.{variant}" in aima.tensors:
            aima.close(name, f"recomputed.head_attn.{variant}", ours[None], 1e-5)
        if case["n_pointers"] > 1 and not weighting.kl and f"{name}.recomputed.head_attn.{variant}" in aima.tensors:
            # The published second path reads only the last of several pointers.
            weights = head_weights(attention[:, :, : len(words)].sum(-1), nearness, weighting)
            aima.close(name, f"recomputed.head_attn.{variant}", attention_map(attention[:, :, -1], weights)[None], 1e-5)


def check_regions(aima, name, variant, attention):
    case = aima.cases[name]
    expected = case["variants"][variant]
    grid = attention.view(case["n_height"], case["n_width"]).numpy()
    found = find_regions(grid, rank="max")[: case["topk"]]
    if "error" in expected:  # the reference finds no region where the map is flat
        assert found == []
        return
    points = [(r.point.x / case["n_width"], r.point.y / case["n_height"]) for r in found]
    aima.near(name, f"topk_points.{variant}", points, expected["topk_points"], 1e-4)
    aima.near(name, f"topk_values.{variant}", [r.max for r in found], expected["topk_values"], 1e-5)


def test_parity_from_picture_to_map(aima):
    """The stored weighting, on the cached picture and in one forward."""
    assert aima.model.method.weighting == Weighting(1)
    assert aima.model.region_rank == "max"
    for name, case in aima.single():
        image = aima.image(name)
        screen = aima.model.encode(image)
        for _ in range(2):
            reused = torch.from_numpy(aima.model.attend(screen, case["instruction"])).view(1, -1)
            aima.close(name, "head_attn.query_1", reused, 1e-4)
        fresh = torch.from_numpy(aima.model.attend_fresh(image, case["instruction"])).view(1, -1)
        aima.close(name, "head_attn.query_1", fresh, 1e-4)


@torch.inference_mode()
def test_parity_of_the_training_loss(aima):
    module = aima.model.module
    for name, case in aima.cases.items():
        ids = aima.tensor(name, "train.input_ids")
        ours = aima.model.method.attend_prompt(ids, aima.view(name))
        aima.close(name, "train.head_attn", ours[None], 1e-5)
        loss = attention_loss(ours, aima.tensor(name, "train.multi_patch_labels"))
        aima.near(name, "train.pointer_loss", float(loss), case["train"]["loss"]["pointer_loss"], 1e-4)
        visual = aima.tensor(name, "vision_embeds")
        states = module.decode(module.embed(ids, visual), module.positions(ids, aima.tensor(name, "image_grid_thw")))
        aima.close(name, "train.hidden_pointer_last", module.pointer_queries(ids, states), 1e-4)


@torch.inference_mode()
def test_parity_of_batch_members(aima):
    """A padded batch gives each member the map that it has alone."""
    if aima.batch is None:
        pytest.skip("this set has no batch")
    losses = []
    for row, name in enumerate(aima.batch["members"]):
        ids = aima.tensors["batch.input_ids"][row : row + 1, aima.tensors["batch.attention_mask"][row]]
        ours = aima.model.method.attend_prompt(ids, aima.view(name))
        aima.close("batch", f"head_attn.{row}", ours[None], 1e-5)
        losses.append(float(attention_loss(ours, aima.tensor(name, "train.multi_patch_labels"))))
    aima.near("batch", "pointer_loss", sum(losses) / len(losses), aima.batch["pointer_loss"], 1e-4)


def test_only_the_rows_of_the_instruction_are_computed(aima):
    """No map of all tokens by all tokens: neither at the prefix nor at the instruction."""
    name, case = next(aima.single())
    model, taken = aima.model, []
    take = Rows.take

    def watch(self, query, key, scaling):
        take(self, query, key, scaling)
        taken.append((len(self.tokens), query.shape[2], key.shape[2]))

    screen = model.encode(aima.image(name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rows, "take", watch)
        model.attend(screen, case["instruction"])
        layers = len(model.module.backbone.model.language_model.layers)
        assert len(taken) == layers
        model.encode(aima.image(name))
        assert len(taken) == layers
    suffix = len(model.runner.question(case["instruction"]))
    assert {(fed, seen) for _, fed, seen in taken} == {(suffix, screen.prefix_length + suffix)}
    assert {count for count, _, _ in taken} == {suffix - 1}, "the pointer's start is no row of interest"
    assert {layer.get_seq_length() for layer in screen.cache.layers} == {screen.prefix_length}
