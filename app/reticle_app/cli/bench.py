"""The group of commands `reticle bench`: measurements of this machine."""

from __future__ import annotations

import typer

from . import bench_needles, bench_peer, bench_prefill, bench_window

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Measure on this machine, beside what else does the same.",
)
app.command("prefill")(bench_prefill.prefill)
app.command("needles")(bench_needles.needles)
app.command("peer")(bench_peer.peer)
app.command("window")(bench_window.window)
