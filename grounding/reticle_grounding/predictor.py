"""The public entry: open a model, look at a screenshot once, ask for any number of places on it.

Importing this module loads no model library; :meth:`Grounder.open` does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from .calibration import Calibration, load_calibration
from .controls.controls import Controls, NoControls, open_controls
from .controls.kinds import Kinds
from .errors import BadInput, Cancelled
from .evidence import Draft, Scene, drafts, line_at, pinned, without_twins
from .features import describe
from .geometry import Rect, Size
from .images import as_rgb, load_image
from .judging.judge import WEIGHT, Judge, MarkVerifier, open_judge
from .labels import readings
from .looks import Looks
from .matcher.matcher import Matcher, NoMatcher, open_matcher
from .model.prompts import check_instruction
from .number_types import NumberType
from .ocr import Reader, TextBox, TextReader
from .opinions import CONSULTED, Opinion, Ranked
from .options import GroundingConfig
from .program import without_program
from .proposals import NOTHING, Elements, find_elements
from .reading import reading_of
from .reconsider import Reconsidered, look_again
from .regions import Region, find_regions
from .rows import parted
from .second_look import Crops
from .sources import AttentionSource, EvenAttention, Look, PointerSource, ReadingSource
from .types import Candidate, FloatMap, Grounding
from .verifier import Place, Verifier, VlmVerifier
from .weighing import Explained, Weighed
from .wordings import check_count, check_given, wordings
from .words import parse, tokens

__all__ = ["Grounder", "GroundingConfig", "Observation", "check_instruction"]

Picture: TypeAlias = Image.Image | npt.NDArray[np.uint8] | Path | str
StopCheck: TypeAlias = Callable[[], bool]
MAX_TOP_K = 50


class Grounder:
    """A model with everything that weighs its answers. Use from one thread at a time."""

    def __init__(
        self,
        source: AttentionSource,
        reader: Reader,
        calibration: Calibration,
        config: GroundingConfig | None = None,
        matcher: Matcher | None = None,
        judge: Judge | None = None,
        controls: Controls | None = None,
    ) -> None:
        """``judge`` judges marked places; without one the source itself is asked about crops. ``controls`` tells kinds
        of controls from the matcher's vectors, so it counts with a matcher only."""
        self.config = config or GroundingConfig()
        check_count(self.config.wordings)
        self.calibration = calibration
        self.source: AttentionSource = source if self.config.attention else EvenAttention(source.name)
        self.reader = reader
        self.matcher: Matcher = matcher if matcher is not None and self.config.matcher else NoMatcher()
        matched = not isinstance(self.matcher, NoMatcher)
        self.judge = judge if matched else None
        self.controls: Controls = controls if controls is not None and matched else NoControls()

    @classmethod
    def open(
        cls,
        model_dir: Path | None = None,
        config: GroundingConfig | None = None,
        numbers: NumberType | None = None,
    ) -> Grounder:
        """Opens a model folder, or the embedded model.

        ``numbers`` is what it computes in; None leaves that to the device.

        Raises CheckpointError when the folder is incomplete or missing, ReticleError for a broken calibration file,
        BadInput for a keep ratio or a selection that is none or that the model cannot follow, and for int8 without the
        library it needs.
        """
        from .assets import embedded_model_dir
        from .model.pointer_model import PointerModel

        config = config or GroundingConfig()
        folder = Path(model_dir) if model_dir is not None else embedded_model_dir()
        model = PointerModel.open(
            folder,
            max_pixels=config.max_pixels,
            keep_ratio=config.keep_ratio,
            select=config.select,
            numbers=numbers,
        )
        matcher = open_matcher(embedded_model_dir())
        return cls(
            PointerSource(model),
            TextReader(config.ocr_threads),
            load_calibration(),
            config,
            matcher,
            open_judge(folder, matcher),
            open_controls(embedded_model_dir()),
        )

    def altered(self, *, source: AttentionSource | None = None, config: GroundingConfig | None = None) -> Grounder:
        """Another one with the same parts, but for those given here."""
        parts = (self.reader, self.calibration, config or self.config, self.matcher, self.judge, self.controls)
        return Grounder(source or self.source, *parts)

    @property
    def reads_first(self) -> bool:
        """Whether the whole screen is read before the model looks at it, because it has a reading channel."""
        whole = self.config.reading == "screen" and self.config.elements and not isinstance(self.matcher, NoMatcher)
        return whole and isinstance(self.source, ReadingSource) and self.source.takes_reading

    @property
    def name(self) -> str:
        """Name of the checkpoint."""
        return self.source.name

    def observe(self, image: Picture, stop: StopCheck | None = None) -> Observation:
        """Does what is needed once per screenshot; text is read when the first instruction needs it.

        Raises BadInput for a picture that cannot be used, Cancelled when ``stop`` returns True.
        """
        _check(stop)
        return Observation(self, _picture(image), stop)


class Observation:
    """One screenshot, ready for instructions. Made by :meth:`Grounder.observe`."""

    def __init__(self, grounder: Grounder, image: Image.Image, stop: StopCheck | None = None) -> None:
        self._grounder = grounder
        self._config = grounder.config
        self.image = image
        """RGB, capture pixels."""
        self._pixels: npt.NDArray[np.uint8] = np.asarray(image)
        self.screen_ms: dict[str, float] = {}
        """Milliseconds of what was done once for this screenshot, per phase."""
        self._reported = False
        self._texts: tuple[TextBox, ...] | None = None
        self._elements: Elements | None = None
        self._looks: Looks | None = None
        self._kinds: Kinds | None = None
        self._seen: Look | None = None
        self._crops: Crops[Observation] = Crops(image, lambda crop: grounder.observe(crop))
        if not grounder.reads_first:
            self._look(stop)
        _check(stop)

    @property
    def size(self) -> Size:
        return Size(*self.image.size)

    def ground(
        self,
        instruction: str,
        top_k: int = 5,
        stop: StopCheck | None = None,
        other_words: Sequence[str] | None = None,
    ) -> Grounding:
        """Where the instruction means, best first; regions of different candidates are different places.

        ``other_words`` are wordings of the caller, instead of those that rules make where the settings want them.
        ``timings_ms`` of the first call on a screenshot include what was done once for it. Raises BadInput for an empty
        or over-long instruction or an impossible ``top_k``, Cancelled when ``stop`` returns True between phases.
        """
        return self.explain(instruction, top_k, stop, other_words).grounding

    def explain(
        self,
        instruction: str,
        top_k: int = 5,
        stop: StopCheck | None = None,
        other_words: Sequence[str] | None = None,
    ) -> Explained:
        """As :meth:`ground`, together with everything that was weighed."""
        if not 1 <= top_k <= MAX_TOP_K:
            raise BadInput(f"top_k is {top_k}; it must be 1 to {MAX_TOP_K}")
        text = check_instruction(instruction)
        if other_words is None:
            said = wordings(text, self._config.wordings)
        else:
            said = check_given(text, [check_instruction(words) for words in other_words])
        timings: dict[str, float] = {}
        weighed = self.weigh(text, timings, stop)
        with _timed(timings, "rank"):
            answer = Reconsidered(weighed.ranked(self._grounder.calibration))
        if said:
            with _timed(timings, "wordings"):
                answer = answer.with_opinions([self.in_other_words(other, stop) for other in said])
        if self._config.second_look is not None:
            with _timed(timings, "second look"):
                answer = answer.with_opinions(self.looked_again(text, answer.ranked, stop))
        kept = without_twins(answer.ranked, max(top_k, self._config.verifier_budget))
        if self._config.vlm_verifier:
            _check(stop)
            with _timed(timings, "verify"):
                kept = self._verified(text, kept, weighed.scene)
        best = enumerate(kept[:top_k], 1)
        candidates = tuple(self._candidate(rank, p, draft, weighed, answer) for rank, (p, draft) in best)
        grounding = self._grounding(text, candidates, weighed.scene, timings, answer)
        return Explained(grounding, weighed, self._grounder.calibration)

    def in_other_words(self, words: str, stop: StopCheck | None = None) -> Opinion:
        """The same screenshot and prefix, asked in other words."""
        ranked = self.weigh(words, None, stop).ranked(self._grounder.calibration)
        return Opinion("wording", words, Rect.of_size(self.size), without_twins(ranked, CONSULTED))

    def looked_again(self, instruction: str, ranked: Ranked, stop: StopCheck | None = None) -> list[Opinion]:
        """Second looks at what was found first, as the settings want them; empty without any."""
        rule = self._config.second_look
        if rule is None:
            return []

        def ask(part: Rect) -> Ranked:
            _check(stop)
            crop, closer = self._crops.look(part, rule.scale)
            return [(p, crop.back(d)) for p, d in closer.weigh(instruction, None, stop).ranked(calibration)]

        calibration = self._grounder.calibration
        return look_again(ranked, self.size, self._look(stop).transform, rule, ask, instruction)

    def weigh(
        self, instruction: str, timings: dict[str, float] | None = None, stop: StopCheck | None = None
    ) -> Weighed:
        """Scene, drafts and their features before calibration; ``timings`` receives the phases."""
        timings = {} if timings is None else timings
        _check(stop)
        look = self._look(stop)
        with _timed(timings, "suffix"):
            attention = look.attend(instruction)
        with _timed(timings, "regions"):
            regions = self._regions(attention, look)
        _check(stop)
        texts = self._read(regions, timings)
        _check(stop)
        elements = self._structure(texts)
        looks = self._matched(elements, texts)
        _check(stop)
        kinds = self._told(elements, looks)
        _check(stop)
        with _timed(timings, "match"):
            wanted = parse(instruction)
            extra = readings(texts)
            said = without_program(instruction, texts)
            agreement = looks.against(said, parse(said))
            wish = self._grounder.controls.wished(self._grounder.matcher.say([said]))
            seen = (wanted, attention, look.transform, regions, texts, elements, agreement, self.size, extra)
            scene = Scene(*seen, kinds=kinds, wish=wish).with_rows(parted(tokens(instruction), (*texts, *extra)))
            if scene.part is not None:
                scene = replace(scene, agreement=looks.with_rest(agreement, scene.part))
            made = [pinned(draft) for draft in drafts(scene)]
            rows = describe(scene, made)
        return Weighed(scene, made, rows)

    def _look(self, stop: StopCheck | None = None) -> Look:
        """The screenshot as the source sees it, made once; where the model has a reading channel, read before."""
        if self._seen is not None:
            return self._seen
        source = self._grounder.source
        if not (self._grounder.reads_first and isinstance(source, ReadingSource)):
            with _timed(self.screen_ms, "observe"):
                self._seen = source.look(self.image)
            return self._seen
        texts = self.texts()
        _check(stop)
        elements = self._structure(texts)
        looks = self._matched(elements, texts)
        _check(stop)
        with _timed(self.screen_ms, "observe"):
            reading = reading_of(elements, texts, looks.read, looks.rects, looks.seen)
            self._seen = source.look_with(self.image, reading, self._grounder.matcher.say)
        return self._seen

    def _regions(self, attention: FloatMap, look: Look) -> tuple[Region, ...]:
        """The best regions in capture pixels, clipped to the picture; none for a map without any peak."""
        if float(attention.max()) <= 1.0001 * float(attention.min()):
            return ()
        found = find_regions(attention, self._config.region_threshold, look.region_rank)
        screen = Rect.of_size(self.size)
        mapped = (region.mapped(look.transform) for region in found[: self._config.max_regions])
        return tuple(replace(r, rect=r.rect.intersection(screen) or r.rect) for r in mapped)

    def _read(self, regions: Sequence[Region], timings: dict[str, float]) -> tuple[TextBox, ...]:
        mode = self._config.reading
        if mode == "auto":
            mode = "crops" if regions and regions[0].mass >= self._config.sure_mass else "screen"
        if mode == "off":
            return ()
        if mode == "screen" or self._texts is not None:
            return self.texts()
        with _timed(timings, "ocr"):
            areas = [r.rect.grown(self._config.crop_margin) for r in regions[: self._config.crop_regions]]
            return _distinct([t for area in areas for t in self._grounder.reader.read(self._pixels, area)])

    def texts(self) -> tuple[TextBox, ...]:
        """All text of the screenshot, read at most once."""
        if self._texts is None:
            with _timed(self.screen_ms, "ocr"):
                self._texts = tuple(self._grounder.reader.read(self._pixels))
        return self._texts

    def looks(self) -> Looks:
        """Vectors of all proposals and of all texts of the screenshot."""
        texts = self.texts()
        return self._matched(self._structure(texts), texts)

    def _structure(self, texts: Sequence[TextBox]) -> Elements:
        if not self._config.elements:
            return NOTHING
        if self._elements is None:
            with _timed(self.screen_ms, "elements"):
                self._elements = find_elements(self._pixels, texts)
        return self._elements

    def _matched(self, elements: Elements, texts: Sequence[TextBox]) -> Looks:
        """Vectors of all that may be meant, made anew only where other texts were read."""
        if self._looks is None or self._looks.texts is not texts:
            with _timed(self.screen_ms, "looks"):
                self._looks = Looks(self._grounder.matcher, self._pixels, elements, texts)
            self._kinds = None
        return self._looks

    def _told(self, elements: Elements, looks: Looks) -> Kinds:
        """Which places may be what kind of control, made anew only where other texts were read."""
        if self._kinds is None:
            with _timed(self.screen_ms, "controls"):
                self._kinds = self._grounder.controls.kinds(self._pixels, elements, looks)
        return self._kinds

    def _verified(
        self, instruction: str, kept: Sequence[tuple[float, Draft]], scene: Scene
    ) -> list[tuple[float, Draft]]:
        config, judge = self._config, self._grounder.judge
        verifier: Verifier
        weight = config.verifier_weight
        if judge is not None:
            weight *= WEIGHT
            verifier = MarkVerifier(judge, self._pixels, scene, self.looks(), config.verifier_budget)
        else:
            ask = self._grounder.source.judge
            verifier = VlmVerifier(self.image, ask, config.verifier_budget, config.scaled_marker)
        scores = verifier.judge(instruction, [Place(d.point, d.region) for _, d in kept])
        pooled = [(_pooled(p, s, weight), d) for (p, d), s in zip(kept, scores, strict=True)]
        return sorted(pooled, key=lambda pair: -pair[0])

    def _candidate(self, rank: int, p: float, draft: Draft, weighed: Weighed, answer: Reconsidered) -> Candidate:
        mass, mean = weighed.scene.under(draft.region)
        row = next((r for r, other in zip(weighed.rows, weighed.drafts, strict=True) if other is draft), {})
        said = {name: value for name, value in row.items() if value}
        said.update(answer.evidence.get(id(draft), {}))
        line = line_at(draft, weighed.scene) or (None if row else draft.text)
        return Candidate(rank, draft.point, draft.region, p, mass, mean, draft.origin, draft.text, said, line)

    def _grounding(
        self,
        instruction: str,
        candidates: tuple[Candidate, ...],
        scene: Scene,
        timings: dict[str, float],
        answer: Reconsidered,
    ) -> Grounding:
        threshold = self._grounder.calibration.threshold if self._config.threshold is None else self._config.threshold
        total = sum(timings.values())
        look = self._look()
        if not self._reported:
            self._reported = True
            parts = {k: v for k, v in look.timings_ms.items() if k != "suffix"}
            timings = {**parts, **{k: v for k, v in self.screen_ms.items() if k != "observe"}, **timings}
            total += sum(self.screen_ms.values())
        return Grounding(
            instruction=instruction,
            image_size=self.size,
            candidates=candidates,
            found=bool(candidates) and candidates[0].p_true >= threshold,
            threshold=threshold,
            attention=scene.attention,
            transform=look.transform,
            timings_ms={**timings, "total": total},
            model=self._grounder.name,
            opinions=answer.heard(),
        )


def _picture(image: Picture) -> Image.Image:
    if isinstance(image, Image.Image):
        return as_rgb(image)
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise BadInput(
                f"the picture array is {image.dtype} {image.shape}; uint8 [height, width, 3] RGB is expected"
            )
        return as_rgb(Image.fromarray(image))
    return load_image(image)


def _pooled(p: float, score: float, weight: float) -> float:
    """Adds the judgement's log-odds to those of ``p``; 0.5 says nothing."""
    logit = _logit(p) + weight * _logit(score)
    return 1.0 / (1.0 + math.exp(-logit))


def _logit(p: float) -> float:
    p = min(max(p, 1e-4), 1 - 1e-4)
    return math.log(p / (1 - p))


def _distinct(texts: Sequence[TextBox]) -> tuple[TextBox, ...]:
    """Without the twins that overlapping crops give."""
    kept: list[TextBox] = []
    for text in texts:
        if not any(text.rect.iou(other.rect) > 0.5 for other in kept):
            kept.append(text)
    return tuple(kept)


def _check(stop: StopCheck | None) -> None:
    if stop is not None and stop():
        raise Cancelled("grounding was stopped")


@contextmanager
def _timed(timings: dict[str, float], phase: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[phase] = timings.get(phase, 0.0) + (time.perf_counter() - start) * 1000
