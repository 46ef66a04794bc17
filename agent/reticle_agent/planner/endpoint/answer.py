"""Reads an answer of the chat-completions interface; everything in it is checked before it is used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from reticle_agent.actions import Finish, Step

from .prompt import clean
from .tools import MAX_WORDS, RefusedCallError, read_call


class _Function(BaseModel):
    name: str
    arguments: str | dict[str, Any] = ""


class _Call(BaseModel):
    function: _Function


class _Message(BaseModel):
    content: Any = None
    """Words beside the calls, in whatever form; they are only quoted in messages."""
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer holds, its step not yet read."""

    message: _Message
    cut_off: bool
    prompt_tokens: int | None
    """None where the server does not say."""
    completion_tokens: int | None

    def step(self) -> tuple[Step, int]:
        """The step asked for and how many further calls were left out: each step is planned on a new screen.

        Every call must be valid, the left-out ones too. Raises RefusedCallError.
        """
        if self.message.refusal:
            return Finish(False, f"the model refuses: {clean(self.message.refusal)}"[:MAX_WORDS]), 0
        calls = self.message.tool_calls or []
        if not calls:
            why = "it was cut off before its tool call" if self.cut_off else "it held no tool call"
            raise RefusedCallError(why)
        steps = [read_call(call.function.name, _text(call.function.arguments)) for call in calls]
        return steps[0], len(steps) - 1

    @property
    def said(self) -> str:
        """The answer's words, as one line."""
        return clean(self.message.content) if isinstance(self.message.content, str) else ""


def _text(arguments: str | dict[str, Any]) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def read_answer(body: bytes) -> Answer:
    """Raises RefusedCallError for a body that is not an answer of this interface."""
    try:
        document = _Completion.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"])
        fault = "no valid JSON" if first["type"] == "json_invalid" else f"{where}: {first['msg']}"
        raise RefusedCallError(f"the answer is not one of a chat-completions server ({fault})") from None
    choice, usage = document.choices[0], document.usage
    return Answer(
        choice.message,
        choice.finish_reason == "length",
        usage.prompt_tokens if usage else None,
        usage.completion_tokens if usage else None,
    )
