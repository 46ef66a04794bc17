"""Prompts, as data: the system texts the published checkpoints were trained with, and the parts around the instruction.

A prompt is cut in two: the prefix [system, picture] is the same for every instruction on a screenshot, the suffix
[end of the picture, instruction, forced start of the answer] ends with the pointer token. Nothing after that token can
change its state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reticle_grounding.errors import BadInput, CheckpointError

IMAGE_PAD = "<|image_pad|>"
POINTER_START, POINTER_PAD, POINTER_END = "<|pointer_start|>", "<|pointer_pad|>", "<|pointer_end|>"
POINTER_TOKENS = ("<|recipient|>", "<|diff_marker|>", POINTER_START, POINTER_END, POINTER_PAD)
"""In the order in which published checkpoints number them."""
DROPPED = "<|image_drop_end|>"
"""Stands for a run of dropped patches."""
CHAT_TOKENS = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", IMAGE_PAD)
MAX_INSTRUCTION = 2000
"""Characters; longer texts are no description of one place."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Text in three parts; the instruction stands between ``before`` and ``after``."""

    before: str
    instruction: str
    after: str

    @property
    def text(self) -> str:
        return self.before + self.instruction + self.after


@dataclass(frozen=True, slots=True)
class PromptProfile:
    """How a checkpoint wants to be asked."""

    name: str
    system: str
    call: str = "pyautogui.click("
    """What the answer says before the pointer."""

    @property
    def opening(self) -> str:
        """System turn and picture up to its last patch; the single image pad stands for all of them."""
        return f"<|im_start|>system\n{self.system}<|im_end|>\n<|im_start|>user\n<|vision_start|>{IMAGE_PAD}"

    @property
    def picture_end(self) -> str:
        """What follows the last patch."""
        return "<|vision_end|>"

    @property
    def prefix(self) -> str:
        """All that stands before the instruction."""
        return self.opening + self.picture_end

    @property
    def answer_start(self) -> str:
        """What follows the instruction, up to and including the pointer token."""
        return f"<|im_end|>\n<|im_start|>assistant<|recipient|>os\n{self.call}{POINTER_START}{POINTER_PAD}"

    @property
    def answer_end(self) -> str:
        """What the full prompt has after the pointer token; it cannot influence the pointer."""
        return f"{POINTER_END})"

    def prompt(self, instruction: str) -> Prompt:
        """The whole prompt, as the reference renders it."""
        return Prompt(self.prefix, instruction, self.answer_start + self.answer_end)


PROFILES: Mapping[str, PromptProfile] = {
    profile.name: profile
    for profile in (
        PromptProfile(
            "qwen2_vl",
            "You are a GUI agent. You are given a task and a screenshot of the screen. "
            "You need to perform a series of pyautogui actions to complete the task.",
        ),
        PromptProfile(
            "qwen2_5_vl",
            "You are a GUI agent. Given a screenshot of the current GUI and a human instruction, your task is to "
            "locate the screen element that corresponds to the instruction. You should output a PyAutoGUI action that "
            "performs a click on the correct position. To indicate the click location, we will use some special "
            "tokens, which is used to refer to a visual patch later. For example, you can output: "
            "pyautogui.click(<your_special_token_here>).",
        ),
        PromptProfile(
            "qwen3_vl",
            "You are a GUI agent. Your task is to locate the screen element that corresponds to the instruction. "
            "You should not call any external tools. Output only the coordinate of one point in your response. "
            "Format: (x, y)",
            call="(",
        ),
        PromptProfile("embedded", "Point at it."),
    )
}
"""By name; published checkpoints use the profile named like their ``model_type``."""

JUDGE_BEFORE = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    f"<|im_start|>user\n<|vision_start|>{IMAGE_PAD}<|vision_end|>"
    "Please observe the screenshot and exame whether the hollow red circle accurately placed on the intended position "
    "in the image: '"
)
JUDGE_AFTER = "'. Answer True or False.<|im_end|>\n<|im_start|>assistant\n"


def judge_prompt(instruction: str) -> Prompt:
    """The grounding verifier's question (GUI-Actor, appendix); the misspelt word belongs to it."""
    return Prompt(JUDGE_BEFORE, instruction, JUDGE_AFTER)


def profile(name: str) -> PromptProfile:
    """Raises CheckpointError naming the known profiles."""
    if name not in PROFILES:
        raise CheckpointError(f"unknown prompt profile {name!r}; known: {', '.join(PROFILES)}")
    return PROFILES[name]


def check_instruction(instruction: str) -> str:
    """The instruction without surrounding blanks. Raises BadInput when it is empty or too long."""
    text = instruction.strip()
    if not text:
        raise BadInput("the instruction is empty; say in words what to point at")
    if len(text) > MAX_INSTRUCTION:
        raise BadInput(f"the instruction has {len(text)} characters; at most {MAX_INSTRUCTION} are allowed")
    return text
