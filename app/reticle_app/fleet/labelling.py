"""`reticle fleet label`: a Ray Data pipeline from recorded steps to lines of JSON."""

from __future__ import annotations

import importlib
import logging
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reticle_grounding.errors import Cancelled, ReticleError

from .cluster import ClusterOptions, ray_running
from .labeller import ANSWERS, COLUMN, Labeller
from .opening import Opener
from .shards import opened
from .steps import Work, all_works

TOGETHER = 4
"""Steps handed to a worker at once: few, so that little is done twice after a kill."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a run came to."""

    answers: int
    errors: int
    """Steps and traces that could not be asked; each has its line."""
    kept: int
    """Lines that were there from an earlier run."""


def label(
    folders: Sequence[Path],
    out: Path,
    opener: Opener,
    cluster: ClusterOptions,
    settings: Mapping[str, str | None],
    progress: Callable[[int, int], None] | None = None,
) -> Labelled:
    """Asks every recorded step of the traces anew and writes one line each; goes on where an earlier run ended.

    ``settings`` say how the answers are made and must be those of the earlier run. Raises BadInput for folders without
    traces and for an ``out`` of something else, Cancelled when a signal ends it, ReticleError when Ray or the model
    fails.
    """
    traces = all_works(folders)
    with opened(out, traces, settings) as folder:
        total, done = folder.done + len(folder.left), folder.done
        if folder.left:
            with closing(_answers(folder.left, opener, cluster)) as lines:
                for line in lines:
                    folder.append(line)
                    done += 1
                    if progress is not None:
                        progress(done, total)
        answers, errors = folder.finish()
    return Labelled(answers, errors, folder.done)


def _answers(works: Sequence[Work], opener: Opener, cluster: ClusterOptions) -> Generator[str, None, None]:
    """One line for each work, in order."""
    with ray_running(cluster):
        data = importlib.import_module("ray.data")
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        rows = [{COLUMN: work.text} for work in works]
        blocks = math.ceil(len(rows) / TOGETHER)
        lines = data.from_items(rows, override_num_blocks=blocks).map_batches(
            Labeller,
            fn_constructor_args=(opener,),
            batch_size=TOGETHER,
            batch_format="numpy",
            compute=data.ActorPoolStrategy(size=min(cluster.workers, blocks)),
            num_cpus=cluster.cpus,
            num_gpus=cluster.gpus or None,
        )
        try:
            for row in lines.iter_rows():
                yield str(row[ANSWERS])
        except (Cancelled, ReticleError, GeneratorExit):
            raise
        except Exception as error:
            first = str(error).strip().splitlines()
            raise ReticleError(f"the label run failed: {first[-1] if first else type(error).__name__}") from error
