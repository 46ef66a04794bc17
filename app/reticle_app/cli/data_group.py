"""Groups of commands of which one is meant where no name is given: `reticle data OUT`, `reticle train OUT`."""

from __future__ import annotations

import typer
from typer.core import TyperGroup


class _Screens(TyperGroup):
    default = "screens"

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in {*self.commands, "--help"}:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


class _Pointer(_Screens):
    default = "model"


def data_group() -> typer.Typer:
    """`reticle data OUT` is `reticle data screens OUT`."""
    words = "Make labelled screens to train on: generated ones, or those of your own running applications."
    return _group(_Screens, words)


def train_group() -> typer.Typer:
    """`reticle train OUT` is `reticle train model OUT`."""
    return _group(_Pointer, "Train the embedded model on generated screens, or a small head on your own recorded runs.")


def _group(form: type[TyperGroup], words: str) -> typer.Typer:
    return typer.Typer(cls=form, add_completion=False, rich_markup_mode=None, no_args_is_help=True, help=words)
