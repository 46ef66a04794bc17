"""`reticle fleet serve|label`: many models at once, by Ray."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reticle_app.config import load_settings
from reticle_app.models.choice import chosen_model
from reticle_app.own_heads import head_file
from reticle_app.server.extras import require_extra
from reticle_grounding.number_types import number_type

from .ground import DtypeOption, HeadOption, JsonOption, ModelOption
from .output import emit_json, progress_bar, say
from .serve import HostOption, PortOption, TimeoutOption, shown

if TYPE_CHECKING:
    from reticle_app.fleet.cluster import ClusterOptions
    from reticle_app.fleet.opening import ModelChoice

app = typer.Typer(help="Many models at once, by Ray: answer programs, or ask many recorded runs anew.")

CpusOption = Annotated[
    float | None,
    typer.Option("--cpus", help="Processors of each model; default is this machine's, shared out among them."),
]
GpusOption = Annotated[float, typer.Option("--gpus", help="GPUs of each model; 0.5 lets two share one.")]
StoreOption = Annotated[int, typer.Option("--store", help="Megabytes of memory shared by Ray's processes.")]
ClusterOption = Annotated[
    str | None,
    typer.Option("--cluster", help="Join the Ray cluster at this address instead of starting Ray here."),
]


@app.command()
def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8739,
    replicas: Annotated[int, typer.Option("--replicas", min=1, help="So many models answer side by side.")] = 2,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Instructions that one of them works at together.")] = 8,
    waiting: Annotated[int, typer.Option("--waiting", min=1, help="So many further requests may wait.")] = 16,
    timeout: TimeoutOption = 120.0,
    model: ModelOption = None,
    dtype: DtypeOption = None,
    head: HeadOption = None,
    cpus: CpusOption = None,
    gpus: GpusOption = 0.0,
    store: StoreOption = 200,
    cluster: ClusterOption = None,
) -> None:
    """Answer programs on this machine over HTTP with several models; they show the token kept in the settings folder.

    Instructions on the same screenshot are answered together, by one look at it. Nothing acts here: for runs there is
    `reticle serve`.
    """
    require_extra("ray")
    from reticle_app.fleet.serving import ServeOptions, serve_fleet
    from reticle_app.server.host import note
    from reticle_app.server.listen import Address
    from reticle_app.server.token import server_token, token_path

    chosen, options = _model(model, dtype, head), ServeOptions(batch, waiting, timeout)
    where = _cluster(replicas, cpus, gpus, store, cluster)
    token, listening = server_token(), Address(host, port).listen()

    def ready() -> None:
        address = shown(listening.getsockname())
        note(f"{replicas} replicas; listening on http://{address}; the token is in {token_path()}")

    serve_fleet(chosen, where, options, token, listening, ready)


@app.command()
def label(
    traces: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Recorded runs, or folders that hold some.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the answers; an earlier run in it is gone on with.")],
    workers: Annotated[int, typer.Option("--workers", min=1, help="So many models work side by side.")] = 2,
    model: ModelOption = None,
    dtype: DtypeOption = None,
    head: HeadOption = None,
    cpus: CpusOption = None,
    gpus: GpusOption = 0.0,
    store: StoreOption = 200,
    cluster: ClusterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for every target of many recorded runs anew; one line of JSON each, in an order that never changes.

    Exit code 0 when there is any answer, though some steps have an error instead; 1 when there is none.
    """
    require_extra("ray")
    from reticle_app.fleet.labelling import label as label_traces
    from reticle_app.fleet.shards import LABELS

    chosen = _model(model, dtype, head)
    with progress_bar("steps") as progress:
        done = label_traces(traces, out, chosen, _cluster(workers, cpus, gpus, store, cluster), _told(chosen), progress)
    if as_json:
        figures = {"answers": done.answers, "errors": done.errors, "kept": done.kept}
        emit_json({**figures, "labels": str(out / LABELS)})
    else:
        say(f"{done.answers} answers ({done.kept} lines from before), {done.errors} errors: {out / LABELS}")
    raise typer.Exit(0 if done.answers else 1)


def _model(model: Path | None, dtype: str | None, head: str | None) -> ModelChoice:
    """Found and checked before Ray is started."""
    from reticle_app.fleet.opening import ModelChoice

    settings = load_settings()
    folder, own = chosen_model(model, settings), head_file(head, settings)
    numbers = number_type(dtype) if dtype is not None else settings.dtype
    return ModelChoice(
        "" if folder is None else str(folder.resolve()), numbers, None if own is None else str(own.resolve())
    )


def _cluster(workers: int, cpus: float | None, gpus: float, store: int, address: str | None) -> ClusterOptions:
    from reticle_app.fleet.cluster import ClusterOptions, cpus_each

    return ClusterOptions(workers, cpus_each(workers) if cpus is None else cpus, gpus, store, address)


def _told(chosen: ModelChoice) -> dict[str, str | None]:
    """What two runs must have in common to be one."""
    head = None if chosen.head is None else hashlib.sha256(Path(chosen.head).read_bytes()).hexdigest()
    return {"model": chosen.folder or "embedded", "numbers": chosen.numbers, "head": head}
