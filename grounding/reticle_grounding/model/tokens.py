"""Text to token ids, straight from a checkpoint's tokenizer.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from reticle_grounding.errors import WHOLE_FOLDER, CheckpointError

from .prompts import CHAT_TOKENS, IMAGE_PAD, Prompt

FILE = "tokenizer.json"


class PromptTokenizer:
    """Encodes prompts; words of the user never turn into control tokens, whatever they spell."""

    def __init__(self, text: str) -> None:
        self._markup = Tokenizer.from_str(text)
        self._plain = Tokenizer.from_str(text)
        self._plain.encode_special_tokens = True

    @classmethod
    def open(cls, directory: Path, control: Sequence[str] = ()) -> PromptTokenizer:
        """Reads ``tokenizer.json``; ``control`` lists tokens it must know beside those of the chat.

        Raises CheckpointError when it is missing, broken or lacks one.
        """
        path = directory / FILE
        try:
            made = cls(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {error.strerror}; {WHOLE_FOLDER}") from error
        except Exception as error:  # the library raises bare Exception for malformed files
            raise CheckpointError(f"{path} is not a tokenizer: {error}") from error
        missing = [token for token in (*CHAT_TOKENS, *control) if made.token_id(token) is None]
        if missing:
            raise CheckpointError(f"{path} lacks the tokens {', '.join(missing)}; take the model's own file")
        return made

    def token_id(self, token: str) -> int | None:
        """The id of one whole token, None when there is no such token."""
        found: int | None = self._markup.token_to_id(token)
        return found

    def markup(self, text: str) -> list[int]:
        """Ids of template text, in which control tokens count as such."""
        ids: list[int] = self._markup.encode(text, add_special_tokens=False).ids
        return ids

    def plain(self, text: str) -> list[int]:
        """Ids of the user's words."""
        ids: list[int] = self._plain.encode(text, add_special_tokens=False).ids
        return ids

    def before(self, text: str, patches: int) -> list[int]:
        """Ids of template text whose one image pad stands for ``patches`` pads."""
        pad = self.token_id(IMAGE_PAD)
        return [i for token in self.markup(text) for i in ([token] * patches if token == pad else [token])]

    def encode(self, prompt: Prompt, patches: int) -> list[int]:
        """Ids of a whole prompt."""
        return self.before(prompt.before, patches) + self.plain(prompt.instruction) + self.markup(prompt.after)

    def first_id(self, word: str) -> int:
        """The first token of a word at the start of an answer. Raises CheckpointError when there is none."""
        ids = self.plain(word)
        if not ids:
            raise CheckpointError(f"the tokenizer has no token for {word!r}")
        return ids[0]
