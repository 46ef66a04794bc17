"""The group of commands `reticle data`; without the name of one it generates screens."""

from __future__ import annotations

import typer
from typer.core import TyperGroup

DEFAULT = "screens"


class _ScreensByDefault(TyperGroup):
    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in {*self.commands, "--help"}:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


def data_group() -> typer.Typer:
    """`reticle data OUT` is `reticle data screens OUT`."""
    return typer.Typer(
        cls=_ScreensByDefault,
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        help="Make labelled screens to train on: generated ones, or those of your own running applications.",
    )
