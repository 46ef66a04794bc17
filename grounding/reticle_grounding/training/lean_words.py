"""Takes out of the phrase tower's vocabulary what English interfaces never say: unused places and other scripts.

Phrases without such tokens keep their vectors exactly; the others read them as unknown, which they are to an English
tower anyway.
"""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from pathlib import Path

import torch
from tokenizers import Tokenizer

from reticle_grounding.matcher.net import MatcherNet
from reticle_grounding.matcher.sentences import TOKENIZER_FILE, Tokens
from reticle_grounding.matcher.store import header, load, save

LATIN = 0x250
"""First code point after the Latin letters and their extensions."""
SPECIAL = frozenset({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})


def wanted(token: str) -> bool:
    """Whether an English interface may say the token: Latin letters, digits, marks and signs."""
    if token in SPECIAL:
        return True
    plain = token.removeprefix("##")
    return not token.startswith("[unused") and all(
        ord(char) < LATIN or unicodedata.category(char)[0] in "PSN" for char in plain
    )


def leaner(net: MatcherNet, tokens: Tokens) -> tuple[MatcherNet, Tokens]:
    """The net and its tokens with the kept part of the vocabulary, in its order."""
    told = json.loads(tokens.tokenizer.to_str())
    vocabulary: dict[str, int] = told["model"]["vocab"]
    kept = [token for token in sorted(vocabulary, key=lambda t: vocabulary[t]) if wanted(token)]
    number = {token: i for i, token in enumerate(kept)}
    rows = torch.tensor([vocabulary[token] for token in kept])
    told["model"]["vocab"] = number
    for added in told["added_tokens"]:
        added["id"] = number[added["content"]]
    for special, about in told["post_processor"]["special_tokens"].items():
        about["ids"] = [number[special]]
    lean = MatcherNet(len(kept))
    state = net.state_dict()
    name = "words.encoder.embeddings.word_embeddings.weight"
    lean.load_state_dict(state | {name: state[name][rows]})
    return lean.eval(), Tokens(Tokenizer.from_str(json.dumps(told)))


def main() -> None:
    """Rewrites a matcher folder in place."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help=f"folder with the matcher's weights and its {TOKENIZER_FILE}")
    folder = parser.parse_args().folder
    net, tokens = load(folder), Tokens.of(folder)
    lean, fewer = leaner(net, tokens)
    save(lean, folder, header(folder))
    fewer.save(folder)
    before, after = (sum(p.numel() for p in one.parameters()) for one in (net, lean))
    sys.stdout.write(f"{before} -> {after} parameters\n")


if __name__ == "__main__":
    main()
