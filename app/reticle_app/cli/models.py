"""`reticle models list|pull|import|verify|remove`: models kept on this machine, and those that could be."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reticle_app.config import load_settings
from reticle_grounding.errors import BadInput, ReticleError

from .ground import JsonOption
from .models_table import describe, print_list
from .output import emit_json, progress_bar, say, warn

if TYPE_CHECKING:
    from reticle_app.models.hub import Hub
    from reticle_app.models.plan import Kept, Plan
    from reticle_app.models.store import Store

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Keep models on this machine."
)

NameOption = Annotated[str | None, typer.Option("--name", help="What to call it here; default is its own name.")]
AcceptOption = Annotated[
    bool, typer.Option("--accept-licence", help="You have read the licences and keep to them; for scripts.")
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Show size, licence and memory, and leave it at that.")]


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """Show kept models, cut-short downloads, and published models this program opens. Asks no network."""
    from reticle_app.models.listing import listing

    found = listing(_store())
    if as_json:
        emit_json(found)
    else:
        print_list(found)


@app.command()
def pull(
    repository: Annotated[
        str, typer.Argument(help="owner/name on the Hugging Face Hub, or the name of a known model.")
    ],
    revision: Annotated[str | None, typer.Option("--revision", help="Branch, tag or commit; default is main.")] = None,
    name: NameOption = None,
    accept: AcceptOption = False,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch a model. An interrupted download goes on when the same command is given again.

    HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are respected.
    """
    from reticle_app.models import pull as pulling
    from reticle_app.models.hub import cached_snapshot

    store, hub, full = _store(), _hub(), pulling.full_name(repository)
    if hub.offline and (folder := cached_snapshot(full, revision)) is not None:
        warn(f"HF_HUB_OFFLINE is set; taking {full} from the hub's cache in {folder}")
        _take(store, folder, name, full, folder.name, None, accept, dry_run, as_json)
        return
    job = pulling.prepare(hub, full, revision, name)
    plan = job.plan
    if pulling.check_name_for(store, job):
        _finish(_already(store, plan), as_json)
        return
    missing = pulling.missing_bytes(store, job)
    if _agreed(plan, missing, accept, dry_run, as_json):
        with progress_bar(plan.name, in_bytes=True) as progress:
            kept = pulling.fetch(hub, store, job, progress)
        _finish(kept, as_json)


@app.command("import")
def import_model(
    folder: Annotated[Path, typer.Argument(help="Model folder with safetensors; it is copied and left as it is.")],
    name: NameOption = None,
    repository: Annotated[
        str | None, typer.Option("--repository", help="Where it was published (owner/name), for its licence.")
    ] = None,
    checksums: Annotated[
        Path | None, typer.Option("--checksums", help="SHA-256 of the files, as `sha256sum` writes them.")
    ] = None,
    accept: AcceptOption = False,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take a model from a folder of this machine, checked like a download, without any network."""
    _take(_store(), folder, name, repository, None, checksums, accept, dry_run, as_json)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Default is every kept model.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Read every byte again and compare. Exit code 1 when a file is changed, missing or surplus."""
    from reticle_app.models.verify import verify as check

    store = _store()
    wanted = [_kept_name(store, name) for name in names or store.names()]
    results = {}
    for name in wanted:
        with progress_bar(name, in_bytes=True) as progress:
            results[name] = check(store, name, progress)
    sound = not any(results.values())
    if as_json:
        rows = [
            {
                "name": name,
                "ok": not found,
                "problems": [{"file": p.file, "kind": p.kind, "detail": p.detail} for p in found],
            }
            for name, found in results.items()
        ]
        emit_json({"ok": sound, "models": rows})
    else:
        for name, found in results.items():
            say(f"{name}: {f'{len(found)} problems' if found else 'as recorded'}")
            for problem in found:
                say(f"  {problem}")
        if not results:
            say("no models are kept")
    raise typer.Exit(0 if sound else 1)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Name from `reticle models list`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete a kept model, or what came of a cut-short download. Asks first."""
    store = _store()
    kept = store.named(name) or name
    if kept not in {*store.names(), *store.unfinished(), *store.unrecorded()}:
        raise BadInput(f"no model is called {name}; `reticle models list` shows those there are")
    if not yes and not _yes(f"delete {kept} in {store.root}? [y/N]", "--yes"):
        raise ReticleError(f"{kept} was not deleted")
    store.remove(kept)
    if as_json:
        emit_json({"removed": kept})
    else:
        say(f"deleted: {kept}")


def _take(
    store: Store,
    folder: Path,
    name: str | None,
    repository: str | None,
    revision: str | None,
    checksums: Path | None,
    accept: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    from reticle_app.models import importing
    from reticle_app.models.digests import read_sums

    sums = read_sums(checksums) if checksums else None
    job = importing.prepare(folder, name, repository, revision, sums)
    store.check_free(job.plan.name)
    if _agreed(job.plan, job.plan.size, accept, dry_run, as_json):
        with progress_bar(job.plan.name, in_bytes=True) as progress:
            kept = importing.take(store, job, progress)
        _finish(kept, as_json)


def _agreed(plan: Plan, missing: int, accept: bool, dry_run: bool, as_json: bool) -> bool:
    """Shows the plan and has the terms accepted. False after a dry run; raises ReticleError after a no."""
    if dry_run and as_json:
        from reticle_app.models.plan import plan_document

        emit_json(plan_document(plan, missing))
        return False
    for line in describe(plan, missing):
        (say if dry_run else warn)(line)
    if dry_run:
        return False
    if plan.terms.needs_yes and not accept and not _yes("do you accept these licences? [y/N]", "--accept-licence"):
        raise ReticleError(f"{plan.name} was not taken: its licences were not accepted")
    return True


def _yes(question: str, option: str) -> bool:
    """Raises BadInput where nobody can be asked."""
    from reticle_agent.stop import StopToken

    from .approver import TerminalApprover

    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        raise BadInput(f"this needs a yes and nobody can be asked here (no terminal); use {option}")
    answer = TerminalApprover(StopToken()).answer(question)
    return (answer or "").lower() in {"y", "yes"}


def _finish(kept: Kept, as_json: bool) -> None:
    record = kept.record
    if as_json:
        emit_json(
            {"name": record.name, "folder": str(kept.folder), "fetched_bytes": kept.fetched, **record.model_dump()}
        )
        return
    say(f"{record.name}: {len(record.files)} files in {kept.folder}")
    unchecked = [file.name for file in record.files if file.checked == "nothing"]
    if unchecked:
        say(f"no checksum to compare with was at hand for {len(unchecked)} of them; their own are recorded")
    say(f'use it with --model {record.name}, or "model": "{record.name}" in the settings')


def _already(store: Store, plan: Plan) -> Kept:
    from reticle_app.models.errors import StoreError
    from reticle_app.models.plan import Kept
    from reticle_app.models.verify import at_a_glance

    record, folder = store.record(plan.name), store.folder(plan.name)
    if problems := at_a_glance(folder, record):
        raise StoreError(f"{plan.name} is kept but damaged, {problems[0]}; remove it and pull it again")
    warn(f"{plan.name} is there already, at the same commit")
    return Kept(record, folder, 0)


def _kept_name(store: Store, name: str) -> str:
    kept = store.named(name)
    if kept is None:
        raise BadInput(f"no model is called {name}; `reticle models list` shows those there are")
    return kept


def _store() -> Store:
    from reticle_app.models.store import Store

    return Store(load_settings().models)


def _hub() -> Hub:
    """As the environment says; nothing below the command line reads it."""
    from reticle_app.models.environment import hub_of

    return hub_of(os.environ)
