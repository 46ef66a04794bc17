"""FocusUI: scores, kept patches, rebuilt sequences, states and losses of the reference at every keep ratio."""

import pytest
import torch

from reticle_grounding.geometry import Size
from reticle_grounding.model.focusui import FocusUI
from reticle_grounding.model.patch_scorer import scorer_loss
from reticle_grounding.model.pointer_head import pointer_loss
from reticle_grounding.model.selection import SelectionRule, pos_pad, published_choice, published_count
from reticle_grounding.model.ui_graph import components, graph_weights
from reticle_grounding.regions import find_regions
from reticle_grounding.training.labels import box_shares, scorer_labels


@pytest.fixture(scope="module", params=["focusui_qwen25vl", "focusui_qwen3vl"])
def folder(request, golden_folder):
    return golden_folder(request.param)


def published(folder, keep) -> FocusUI:
    return FocusUI(folder.model.runner, SelectionRule(keep, published=True))


@torch.inference_mode()
def test_parity_of_scores(folder):
    module, tokenizer = folder.model.module, folder.model.tokenizer
    for name, case in folder.cases.items():
        ids = torch.tensor([tokenizer.plain(case["instruction"].strip())])
        folder.same(name, "focus_input_ids", ids)
        assert folder.tensor(name, "focus_attention_mask").all()
        patches = module.scorer.patches(folder.tensor(name, "vision_embeds"))
        words = published(folder, 0.5).words(case["instruction"])
        folder.close(name, "scorer.image_embeds", patches[None], 1e-5)
        folder.close(name, "scorer.text_embeds", words[None], 1e-5)
        folder.close(name, "scorer.matrix", (patches @ words.T)[None], 1e-5)
        folder.close(name, "patch_scores", module.scorer.scores(patches, words)[None], 1e-5)
        direct = module.scorer(folder.tensor(name, "vision_embeds"), module.embed(ids)[0])
        folder.close(name, "patch_scores", direct[None], 1e-5)


def ratios(folder):
    """Case, its name, a keep ratio, and how its fields start."""
    return [
        (name, case, float(at.removeprefix("keep")), at) for name, case in folder.cases.items() for at in case["ratios"]
    ]


@torch.inference_mode()
def test_parity_of_selection_and_states(folder):
    module = folder.model.module
    for name, case, keep, at in ratios(folder):
        method, info = published(folder, keep), case["ratios"][at]
        folder.near(name, f"{at}.visual_reduct_ratio", 1 - keep, info["visual_reduct_ratio"], 1e-9)
        ids, seen = folder.tensor(name, "input_ids"), folder.view(name)
        scores = module.scorer.scores(module.scorer.patches(seen.sight.merged), method.words(case["instruction"]))
        chosen = method.select(ids, seen.grid, scores)
        check_sequence(folder, name, at, ids, chosen)
        folder.equal(name, f"{at}.n_keep", int(chosen.kept.sum()), info["n_keep"])
        folder.equal(name, f"{at}.n_markers", int(chosen.rebuilt.marker.sum()), info["n_markers"])
        folder.equal(name, f"{at}.new_length", chosen.ids.shape[1], info["new_length"])
        states = method.states(chosen, seen)
        check_states(folder, name, at, chosen, states, seen)
        logits = module.head(module.pointer_queries(chosen.ids, states), seen.sight.merged[chosen.kept])
        folder.close(name, f"{at}.head_logits", logits, 1e-4)
        folder.close(name, f"{at}.head_attn_selected", logits.softmax(-1), 1e-5)
        attention = method.spread(logits, chosen.kept)
        folder.close(name, f"{at}.head_attn", attention[None], 1e-5)
        check_regions(folder, name, at, attention)


def check_sequence(folder, name, at, ids, chosen):
    folder.same(name, f"{at}.image_keep_mask", chosen.kept)
    survives = torch.zeros_like(ids, dtype=torch.bool)
    survives[0, chosen.rebuilt.source] = True
    folder.same(name, f"{at}.token_keep_mask", survives)
    folder.same(name, f"{at}.input_ids", chosen.ids)
    folder.same(name, f"{at}.position_ids", chosen.positions)
    folder.same(name, f"{at}.attention_mask", torch.ones_like(chosen.ids))
    folder.same(name, f"{at}.cache_position", torch.arange(chosen.ids.shape[1]))
    if f"{name}.{at}.visual_pos_masks" in folder.tensors:
        folder.same(name, f"{at}.visual_pos_masks", chosen.ids == folder.model.module.image_token_id)


def check_states(folder, name, at, chosen, states, seen):
    module = folder.model.module
    embeds = module.embed(chosen.ids, seen.sight.merged[chosen.kept])
    pads, markers = chosen.ids == module.image_token_id, chosen.ids == module.marker_id
    folder.close(name, f"{at}.hidden_visual_in", embeds[pads], 1e-5)
    folder.close(name, f"{at}.hidden_marker_in", embeds[markers], 1e-6)
    folder.close(name, f"{at}.hidden_visual_last", states[pads], 1e-4)
    folder.close(name, f"{at}.hidden_pointer_last", module.pointer_queries(chosen.ids, states), 1e-4)
    folder.close(name, f"{at}.lm_logits_last", module.language_logits(states[0, -1]), 1e-4)


def check_regions(folder, name, at, attention):
    case = folder.cases[name]
    info = case["ratios"][at]
    grid = attention.view(case["n_height"], case["n_width"]).numpy()
    found = find_regions(grid)[:3]
    points = [(r.point.x / case["n_width"], r.point.y / case["n_height"]) for r in found]
    folder.near(name, f"{at}.topk_points", points, info["topk_points"], 1e-5)
    folder.near(name, f"{at}.topk_values", [r.mean for r in found], info["topk_values"], 1e-5)
    for region, expected in zip(found, info["topk_points_all"], strict=True):
        ours = [((c + 0.5) / case["n_width"], (r + 0.5) / case["n_height"]) for r, c in region.patches]
        folder.near(name, f"{at}.topk_points_all", sorted(ours), sorted(map(tuple, expected)), 1e-9)


def test_parity_without_selection(folder):
    for name, case in folder.single():
        attention = folder.model.attend(folder.model.encode(folder.image(name)), case["instruction"])
        folder.close(name, "noselect.head_attn", torch.from_numpy(attention).view(1, -1), 1e-4)


@torch.inference_mode()
def test_parity_of_several_pointers_without_selection(folder):
    module = folder.model.module
    for name in folder.cases:
        ids, seen = folder.tensor(name, "input_ids"), folder.view(name)
        logits = module.head(module.pointer_queries(ids, folder.model.runner.whole(ids, seen)), seen.sight.merged)
        folder.close(name, "noselect.head_logits", logits, 1e-4)
        folder.close(name, "noselect.head_attn", logits.softmax(-1), 1e-5)


@torch.inference_mode()
def test_parity_from_picture_to_map(folder):
    """From the picture alone, on the cached system turn and in one forward."""
    model = folder.model
    for name, case, keep, at in ratios(folder):
        if case["n_pointers"] > 1:
            continue
        method = published(folder, keep)
        seen = model.runner.view(folder.image(name), model.processor, {})
        screen = method.screen(seen, {})
        for ours in (*[method.attend(screen, case["instruction"])] * 2, method.attend_fresh(seen, case["instruction"])):
            field = f"{at}.head_attn" if keep < 1 else "noselect.head_attn"
            folder.close(name, field, ours[None], 1e-4)
    assert model.module.levels_under_selection == 1


def selections(folder, name):
    """How fields of the selection alone begin, and the share that is dropped; half where scores are tied."""
    made = {
        field.removeprefix(f"{name}.").rsplit(".", 1)[0] for field in folder.tensors if field.startswith(f"{name}.")
    }
    alone = [(at, float(at.removeprefix("select_reduct"))) for at in sorted(made) if at.startswith("select_reduct")]
    return alone + [("select_ties", 0.5)] * ("select_ties" in made)


def test_parity_of_dropping_everything_and_of_ties(folder):
    module = folder.model.module
    for name, case in folder.cases.items():
        ids = folder.tensor(name, "input_ids")
        for at, dropped in selections(folder, name):
            field = f"{at}.patch_scores" if at == "select_ties" else "patch_scores"
            scores = folder.tensor(name, field)[0]
            kept = published_choice(scores, published_count(case["n_visual"], dropped), ids[0])
            rebuilt = pos_pad(ids[0], kept, module.image_token_id)
            folder.same(name, f"{at}.input_ids", rebuilt.ids(ids, module.marker_id))
            survives = torch.zeros_like(ids, dtype=torch.bool)
            survives[0, rebuilt.source] = True
            folder.same(name, f"{at}.token_keep_mask", survives)


@torch.inference_mode()
def test_parity_of_deepstack_levels(folder):
    """Published weights saw only the first level of a selected picture, all of a whole one."""
    module = folder.model.module
    for name, case in folder.cases.items():
        sight = folder.view(name).sight
        for at, count in case.get("deepstack_levels_used", {}).items():
            limit = None if at == "keep1.0" else module.levels_under_selection
            kept = folder.tensor(name, f"{at}.image_keep_mask")
            shapes = [list(level.shape) for level in sight.taken(kept, limit).levels]
            folder.equal(name, f"{at}.deepstack_levels_used", len(shapes), count)
            folder.equal(name, f"{at}.deepstack_shapes", shapes, case["deepstack_shapes"][at])


@torch.inference_mode()
def test_parity_of_scorer_training(folder):
    module = folder.model.module
    for name, case in folder.cases.items():
        instruction = case["train"]["conversations"][0]["value"].replace("<image>", "").strip()
        ids = torch.tensor([folder.model.tokenizer.plain(instruction)])
        folder.same(name, "train.focus_input_ids", ids)
        seen = folder.view(name)
        scores = module.scorer(seen.sight.merged, module.embed(ids)[0])
        folder.close(name, "train.patch_scores", scores[None], 1e-5)
        box = tuple(case["train"]["conversations"][1]["bbox_gt"])
        height, width = seen.pixels.shape[:2]
        graph = graph_weights(components(seen.pixels, folder.model.processor.cell))
        shares = box_shares(box, Size(width, height), folder.model.processor.patch)
        labels = torch.from_numpy(scorer_labels(shares, graph)[0]).flatten()
        folder.close(name, "train.patch_scores_label", labels, 1e-5)
        for losses in case["train"]["losses"].values():
            folder.near(name, "train.ps_loss", float(scorer_loss(scores, labels)), losses["ps_loss"], 1e-5)


@torch.inference_mode()
def test_parity_of_training_under_selection(folder):
    module = folder.model.module
    for name, case, keep, ratio in ratios(folder):
        if ratio not in case["train"]["losses"]:
            continue
        method, at = published(folder, keep), f"train.{ratio}"
        ids, seen = folder.tensor(name, "train.input_ids"), folder.view(name)
        chosen = method.select(ids, seen.grid, folder.tensor(name, "train.patch_scores")[0])
        folder.same(name, f"{at}.input_ids", chosen.ids)
        labels = chosen.rebuilt.labels(folder.tensor(name, "train.labels"))
        folder.same(name, f"{at}.labels", labels)
        survives = torch.zeros_like(ids, dtype=torch.bool)
        survives[0, chosen.rebuilt.source] = True
        folder.same(name, f"{at}.token_keep_mask", survives)
        states = method.states(chosen, seen)
        logits = module.head(module.pointer_queries(chosen.ids, states), seen.sight.merged[chosen.kept])
        folder.close(name, f"{at}.head_logits", logits, 1e-4)
        folder.close(name, f"{at}.head_attn", logits.softmax(-1), 1e-5)
        check_losses(folder, name, ratio, chosen, states, logits, labels)


def check_losses(folder, name, ratio, chosen, states, logits, labels):
    expected, at = folder.cases[name]["train"]["losses"][ratio], f"train.{ratio}"
    pointer = pointer_loss(logits, folder.tensor(name, "train.multi_patch_labels")[:, chosen.kept])
    folder.near(name, f"{at}.pointer_loss", float(pointer), expected["pointer_loss"], 1e-4)
    words = folder.model.module.language_logits(states[0, :-1])
    language = torch.nn.functional.cross_entropy(words, labels[0, 1:], ignore_index=-100)
    folder.near(name, f"{at}.lm_loss", float(language), expected["lm_loss"], 1e-4)
    folder.near(name, f"{at}.loss", float(pointer + language) + expected["ps_loss"], expected["loss"], 3e-4)
    share = int((~chosen.rebuilt.marker).sum()) / folder.tensor(name, "train.labels").shape[1]
    folder.near(name, f"{at}.actual_token_percentage", share, expected["actual_token_percentage"], 1e-6)
