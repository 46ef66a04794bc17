"""What signs around a label do to its meaning: how near wordings for 250 controls are to their labels, plain and as OCR
reads them on menus, buttons and fields.

    python benchmarks/label_signs.py
"""

from __future__ import annotations

import random

import numpy as np

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.matcher.matcher import open_matcher
from reticle_grounding.training.spoken import kept_places

COUNT, SEED = 250, 3
"""Controls of the places that no phrase tower is trained on."""
READ = ("{}", "{}...", "{}:", "{} 12", "{} (3)", "+{}", "Q{}", "{}>", "{}√", "{} Ctrl+S")


def main() -> None:
    """Prints agreement (-1..1) and the share of wordings whose own label is nearest among the plain ones."""
    matcher, rng = open_matcher(embedded_model_dir()), random.Random(SEED)
    controls = [(label, said) for place in kept_places() for label, said in place.items()]
    drawn = rng.sample(controls, COUNT)
    asked = matcher.say([rng.choice(said) for _, said in drawn])
    plain = asked @ matcher.say([label for label, _ in drawn]).T
    others = np.where(np.eye(COUNT, dtype=bool), -1.0, plain).max(1)
    print(f"| read as | agreement | nearest of {COUNT} |\n|---|---|---|")
    for form in READ:
        own = (asked * matcher.say([form.format(label) for label, _ in drawn])).sum(1)
        print(f"| {form.format('Label')} | {own.mean():.3f} | {(own > others).mean():.1%} |")


if __name__ == "__main__":
    main()
