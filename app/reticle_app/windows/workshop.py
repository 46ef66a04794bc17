"""Downloads, imports and checks under way: their processes, what they tell, and which terms were agreed to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from reticle_app.background import MainThread
from reticle_app.models.entries import Begun, Downloads
from reticle_app.models.jobs import Job
from reticle_app.models.store import gigabytes
from reticle_app.translations import tr
from reticle_grounding.errors import BadInput, ReticleError

from .work import Work, WorkKey


class Workshop(QObject):
    """Lives on the window's thread.

    Args:
        keep: writes down which downloads were agreed to and are not finished.
    """

    changed = Signal()
    """Some work is in another phase."""
    progressed = Signal()
    """More bytes are done."""
    kept = Signal(object, object)
    """Key of a work whose model is kept; what its job told: name, fetched bytes, files without a checksum."""
    checked = Signal(str, object)
    """Name of a model that was checked, and its problems."""
    failed = Signal(object, object)
    """Key of a work that failed, and the ReticleError."""

    def __init__(self, main: MainThread, keep: Callable[[Downloads], None]) -> None:
        super().__init__()
        self._main, self._keep = main, keep
        self.works: dict[WorkKey, Work] = {}
        self.downloads = Downloads()
        self._closed = False

    def begin(self, key: WorkKey, work: Work) -> None:
        """Starts a job, unless one is busy with the same."""
        if (before := self.works.get(key)) is not None and before.busy:
            return
        self.works[key] = work
        try:
            work.job = Job(self._main, work.request, lambda line: self._hear(key, work, line))
        except ReticleError as error:
            self._fail(key, error)
        self.changed.emit()

    def agree(self, key: WorkKey) -> None:
        """The person accepts the terms of a plan."""
        work = self.works.get(key)
        if work is None or work.plan is None or work.job is None:
            return
        if key[0] == "pull":
            begun = Begun(repository=key[1], revision=work.plan["revision"], terms=work.plan["terms"])
            self.downloads = self.downloads.with_one(work.plan["name"], begun)
            self._keep(self.downloads)
        self._start(work)

    def pause(self, key: WorkKey) -> None:
        """Ends a download; what came stays. A copy begins anew, so an import is dropped."""
        work = self.works.get(key)
        if work is None or work.phase != "fetching":
            return
        if key[0] == "import":
            self.drop(key)
            return
        words = tr("Paused: {done} of {all} are here")
        work.phase, work.words = "paused", words.format(done=gigabytes(work.done), all=gigabytes(work.total))
        _let_go(work)
        self.changed.emit()

    def resume(self, key: WorkKey) -> None:
        """Goes on with a paused download, at the same commit."""
        work = self.works.get(key)
        if work is None or work.plan is None:
            return
        if work.last is not None and work.last.running:
            work.goes_on, work.phase, work.words = True, "looking", tr("Going on…")
            self.changed.emit()
        else:
            request = {**work.request, "revision": work.plan["revision"], "name": work.plan["name"]}
            again = Work(request, "looking", tr("Going on…"), plan=work.plan, done=work.done, total=work.total)
            work.phase = "paused"
            self.begin(key, again)

    def drop(self, key: WorkKey) -> Job | None:
        """Ends a work and forgets it; returns its process, which may take a moment to end."""
        work = self.works.pop(key, None)
        if work is None:
            return None
        _let_go(work)
        self.changed.emit()
        return work.last

    def forget(self, name: str) -> None:
        """A download is finished, or deleted."""
        if name in self.downloads.begun:
            self.downloads = self.downloads.without(name)
            self._keep(self.downloads)

    def close(self) -> None:
        """Ends everything; what came of downloads stays."""
        self._closed = True
        for work in self.works.values():
            for job in (work.job, work.last):
                if job is not None:
                    job.close()

    def _start(self, work: Work) -> None:
        assert work.job is not None
        assert work.plan is not None
        work.agreed, work.phase = True, "fetching"
        work.words, work.total = tr("Starting…"), work.plan["size"]
        work.done = work.plan["size"] - work.plan["missing"]
        work.job.agree()
        self.changed.emit()

    def _hear(self, key: WorkKey, work: Work, line: Mapping[str, Any]) -> None:
        """One line of a job; those of a job that was let go are too late."""
        if self._closed or self.works.get(key) is not work:
            return
        if work.job is None:
            if "ended" in line and work.goes_on:
                self.resume(key)
            return
        if "plan" in line:
            self._planned(key, work, line["plan"])
        elif "progress" in line:
            work.progress(*line["progress"])
            self.progressed.emit()
        elif "kept" in line:
            del self.works[key]
            self.forget(line["kept"]["name"])
            self.kept.emit(key, line["kept"])
        elif "problems" in line:
            del self.works[key]
            self.checked.emit(key[1], line["problems"])
        elif "error" in line:
            kind = BadInput if line["error"]["kind"] == "input" else ReticleError
            self._fail(key, kind(line["error"]["text"]))
        elif line.get("ended"):
            self._fail(key, ReticleError(line["ended"]))

    def _planned(self, key: WorkKey, work: Work, plan: dict[str, Any]) -> None:
        work.plan = plan
        begun = self.downloads.begun.get(plan["name"])
        if begun is not None and begun.repository == key[1] and begun.terms == plan["terms"]:
            self._start(work)  # the same terms were accepted when it was begun
            return
        work.phase, work.words = "asking", ""
        self.changed.emit()

    def _fail(self, key: WorkKey, error: ReticleError) -> None:
        """A download that had begun stays as a paused one, to go on."""
        work = self.works.get(key)
        if work is not None and work.agreed and key[0] == "pull":
            work.phase, work.words, work.job = "paused", tr("Broken off; what came is kept"), None
        else:
            self.works.pop(key, None)
        self.failed.emit(key, error)
        self.changed.emit()


def _let_go(work: Work) -> None:
    job, work.job = work.job, None
    if job is not None:
        work.last = job
        job.stop()
