"""The shape of what an evaluation gives; every share is 0..1, None where there is nothing to count."""

from __future__ import annotations

from typing import TypedDict


class KindResult(TypedDict):
    """Figures of one kind of target; absent targets are not counted."""

    n: int
    accuracy: float
    hit_at_3: float
    found: float
    """Share that counts as found, right or not."""
    attention_only: float
    text_only: float


class Rejection(TypedDict):
    """What a threshold on ``p_true`` keeps and rejects."""

    threshold: float | None
    right_kept: float | None
    """Share of the right first candidates that reach the threshold."""
    absent_rejected: float | None
    """Share of the absent targets that stay below it, or have no candidate."""
    answered: float | None
    """Share of all targets, absent ones included, that reach it."""
    right_of_answered: float | None


class NearAbsent(TypedDict):
    """Absent targets of which the screen shows one word ("Save template" beside "Save"); in no other figure.

    A person might accept the nearest thing for some of them.
    """

    n: int
    rejected_at_shipped_threshold: float
    rejected_at_threshold_keeping_95: float | None


class RiskSample(TypedDict):
    """One point of the risk-coverage curve."""

    p_true: float
    coverage: float
    """Share of all targets answered at this threshold."""
    risk: float
    """Share of the answered ones that are wrong."""


class Alone(TypedDict):
    """A threshold from which on answers may be acted upon without asking."""

    p_true: float
    coverage: float
    answered: int
    right: float
    """Share of the answered ones that is right, as observed."""
    lower_bound: float
    """One-sided 95% lower bound (Wilson) of that share."""


class AloneAt(TypedDict):
    """Thresholds for one share of right answers."""

    goal: float
    sure: Alone | None
    """The lower bound reaches the goal; None when no threshold does."""
    seen: Alone | None
    """The observed share reaches the goal, over at least as many answers as could show one wrong."""


class Risk(TypedDict):
    """Risk over coverage of present and absent targets together; answering an absent one is wrong."""

    aurc: float | None
    points: list[RiskSample]
    """Surest first; thinned to about a hundred."""
    act_alone: list[AloneAt]


class BinResult(TypedDict):
    """A group of answers of similar ``p_true``."""

    n: int
    lowest: float
    highest: float
    mean_p: float
    right: float


class CalibrationResult(TypedDict):
    """How true ``p_true`` is, over the first candidates of present and absent targets."""

    ece: float | None
    """Expected calibration error over bins of equal size."""
    brier: float | None
    bins: list[BinResult]


class BaselineKind(TypedDict):
    """Figures of a baseline on the present targets of one kind."""

    n: int
    accuracy: float
    hit_at_3: float | None
    """None for a baseline that gives one place only."""


class Baseline(TypedDict):
    """A baseline on the present targets."""

    accuracy: float | None
    hit_at_3: float | None
    by_kind: dict[str, BaselineKind]


class Baselines(TypedDict):
    """What users have without this project, on the same text detections."""

    text_search: Baseline
    largest_match: Baseline


class Published(TypedDict):
    """A set of a published benchmark, and its score as the benchmark's scripts count: over all items asked about."""

    benchmark: str
    files: list[str]
    items: int
    """Rows in the files; not all need be asked about."""
    skipped: dict[str, int]
    """Reason -> rows."""
    boxes: str
    """How the boxes are written."""
    always_clicking: float
    """Right first candidates among all items; an absent target is always wrong."""
    refusing: float
    """Right first candidates that count as found, and absent targets that do not, among all items."""


class Sized(TypedDict):
    """How large the model saw the pictures."""

    preset: str | None
    source: str | None
    """Of the preset."""
    asked_max_pixels: int | None
    """The preset's limit; the model's own may be lower."""
    max_pixels: int | None
    """The limit in force; None without a model."""
    rescaled_to: int | None
    """Pixels every picture was rescaled to beforehand."""


class Evaluation(TypedDict):
    """Accuracies are over the targets that are on the screen."""

    n: int
    absent: int
    accuracy: float | None
    """The first candidate's point lies in the box, whether or not it counts as found."""
    accuracy_found: float | None
    """Found, and right."""
    hit_at_3: float | None
    by_kind: dict[str, KindResult]
    attention_only_accuracy: float | None
    """The best region of the map alone."""
    text_only_accuracy: float | None
    """The best match of text evidence alone."""
    found_rate: float | None
    """Share of the present targets that count as found."""
    absent_rejection: float | None
    """Share of the absent targets that count as not found; None without such targets."""
    at_shipped_threshold: Rejection
    at_threshold_keeping_95: Rejection
    """The highest threshold that keeps 95% of this set's right answers: chosen on the set itself."""
    near_absent: NearAbsent | None
    """None for sets without such targets."""
    risk: Risk
    calibration: CalibrationResult
    baselines: Baselines | None
    """None when they were not asked for."""
    published: Published | None
    """None for sets of one's own."""
    sized: Sized
    vlm_verifier: bool
    """The model judged the best candidates again."""
    wordings: int
    """Other ways to say an instruction that were asked beside it, at most."""
    second_look: bool
    looked_again: float
    """Share of all targets that got a second look."""
    screens: int
    ms_p50: float
    """One more instruction on a known screen."""
    ms_p90: float
    ms_screen_p50: float
    """What is done once per screen: encoding and reading."""
    ms_by_phase: dict[str, float]
    """Mean milliseconds of each phase of one more instruction."""
    reading: str
    model: str
