"""What the buttons of the models window mean. Disk, network and model are asked off the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from reticle_app.background import Background, MainThread
from reticle_app.benchmarking import Benchmarks, load_benchmarks
from reticle_app.models.entries import (
    Begun,
    Downloads,
    ModelEntry,
    entries,
    keep_downloads,
    load_downloads,
)
from reticle_app.models.jobs import Job
from reticle_app.models.memory import machine_memory
from reticle_app.models.store import Store
from reticle_grounding.errors import BadInput, Cancelled, ReticleError

from .model_page import PageState
from .models import ModelsWindow
from .using import ModelInUse, Switch, Using, sentence
from .work import Work

T = TypeVar("T")
WorkKey = tuple[str, str]
"""What is done, and with what: ("pull", repository), ("import", folder) or ("verify", name)."""


class Managing(QObject):
    """Connects one models window with the folder of models and the model process. Lives on the window's thread.

    Args:
        grounder: the model process; also what is measured.
        switch: opens another model.
        occupied: why the model cannot be switched or measured now; empty when it can.
        data: folder of what the application keeps for itself.
        offline: whether the user wants nothing asked over the network.
    """

    model_chosen = Signal(object)
    """What the settings are to name from now on: the name of a kept model, or None for the one that ships."""

    def __init__(
        self,
        window: ModelsWindow,
        grounder: ModelInUse,
        main: MainThread,
        store: Store,
        embedded: Path | None,
        data: Path,
        switch: Switch,
        occupied: Callable[[], str],
        offline: bool = False,
    ) -> None:
        super().__init__(window)
        self._window, self._main, self._store, self._data = window, main, store, data
        self._embedded, self._offline = embedded, offline
        self._using = Using(grounder, main, data, switch, occupied, window.banner)
        self._disk = Background(main, "models")
        self._works: dict[WorkKey, Work] = {}
        self._extra: dict[str, ModelEntry] = {}
        """Repositories and folders that the person named; rows of their own until they are kept."""
        self._downloads, self._benchmarks = Downloads(), Benchmarks()
        self._waiting = 0
        self._closed = False
        self._connect()
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether the disk is being read or written."""
        return self._waiting > 0

    @property
    def measuring(self) -> bool:
        return self._using.stage is not None

    @property
    def switching(self) -> bool:
        return bool(self._using.switching)

    def works(self) -> Mapping[WorkKey, Work]:
        """What is being done, or is paused."""
        return self._works

    # --- the list ---

    def refresh(self) -> None:
        """Reads the folder of models again."""
        in_use = self._using.model_dir

        def read() -> tuple[list[ModelEntry], Downloads, Benchmarks]:
            downloads = load_downloads(self._data)
            return entries(self._store, self._embedded, downloads, in_use), downloads, load_benchmarks(self._data)

        self._do(read, self._listed)

    def _listed(self, found: tuple[list[ModelEntry], Downloads, Benchmarks]) -> None:
        rows, self._downloads, self._benchmarks = found
        there = {row.repository for row in rows if row.repository}
        self._extra = {key: row for key, row in self._extra.items() if row.repository not in there}
        rows = [*rows, *self._extra.values()]
        before = self._window.entry(self._window.key)
        notes = {row.key: self._note(row) for row in rows}
        self._window.show_entries(rows, {k: v for k, v in notes.items() if v}, self._store.root, self._offline)
        if before is not None and self._window.entry(before.key) is None:
            same = [r for r in rows if before.repository is not None and r.repository == before.repository]
            self._window.select((same or [r for r in rows if r.title == before.title] or rows)[0].key)

    def _note(self, entry: ModelEntry) -> str:
        work = self._work_of(entry)
        if work is not None and (note := work.note()):
            return note
        timed = self._benchmarks.of(entry.model) if entry.usable else None
        words = [f"In use, {timed.headline}" if timed else "In use"] if self._in_use(entry) else []
        return words[0] if words else timed.headline if timed is not None else ""

    def _in_use(self, entry: ModelEntry) -> bool:
        return entry.kind in ("own", "kept", "folder") and entry.model == self._using.model_dir

    def show(self, key: str) -> None:
        """Shows everything about one model."""
        entry = self._window.entry(key)
        if entry is None:
            return
        work, in_use = self._work_of(entry), self._in_use(entry)
        switching = self._using.switching == entry.key
        self._window.page.show_state(
            PageState(
                entry=entry,
                in_use=in_use,
                phase="switching" if switching else work.phase if work is not None else "rest",
                words="Opening it; the model in use stays until then" if switching else work.words if work else "",
                plan=work.plan if work is not None else None,
                done=work.done if work is not None else 0,
                total=work.total if work is not None else 0,
                timed=self._benchmarks.of(entry.model) if entry.usable else None,
                stage=self._using.stage if in_use else None,
                may_switch=self._using.free,
                machine=machine_memory(),
                offline=self._offline,
            )
        )

    def _again(self) -> None:
        """Shows the chosen model again, and what its row says."""
        entry = self._window.entry(self._window.key)
        if entry is not None:
            self.show(entry.key)

    def _work_of(self, entry: ModelEntry) -> Work | None:
        if entry.kind == "kept":
            return self._works.get(("verify", entry.name or ""))
        if entry.key.startswith("import "):
            return self._works.get(("import", entry.key.removeprefix("import ")))
        return self._works.get(("pull", entry.repository or ""))

    def _chosen(self) -> tuple[ModelEntry, WorkKey] | None:
        entry = self._window.entry(self._window.key)
        if entry is None:
            return None
        if entry.kind == "kept":
            return entry, ("verify", entry.name or "")
        if entry.key.startswith("import "):
            return entry, ("import", entry.key.removeprefix("import "))
        return entry, ("pull", entry.repository or "")

    # --- fetching and importing ---

    def look_up(self, repository: str) -> None:
        """Asks the hub about a repository that the person named."""
        known = [e for e in self._window.entries if repository in (e.repository, e.title)]
        if not known:
            key, title = f"known {repository}", repository.rpartition("/")[2] or repository
            self._extra[key] = ModelEntry(key, "known", title, "", repository=repository)
            self._window.show_entries(
                [*self._window.entries, self._extra[key]], {}, self._store.root, self._offline
            )  # fmt: skip
        entry = known[0] if known else self._extra[f"known {repository}"]
        self._window.repository.clear()
        self._window.select(entry.key)
        if entry.kind in ("known", "unfinished"):
            self.get()
        self._renote()

    def get(self) -> None:
        """Looks the chosen model up on the hub; its terms are shown before anything large is fetched."""
        chosen = self._chosen()
        if chosen is None or chosen[0].repository is None:
            return
        entry, key = chosen
        begun = self._downloads.begun.get(entry.name or "")
        request = {
            "do": "pull",
            "models": str(self._store.root),
            "repository": entry.repository,
            "revision": begun.revision if begun is not None else None,
            "name": entry.name,
        }
        self._begin(key, Work(request, "looking", f"Asking about {entry.repository}…"))

    def take(self, folder: Path) -> None:
        """Imports a model from a folder of this machine."""
        key = f"import {folder}"
        self._extra[key] = ModelEntry(key, "known", folder.name or str(folder), "", note=f"to be copied from {folder}")
        if self._window.entry(key) is None:
            rows = [*self._window.entries, self._extra[key]]
            self._window.show_entries(rows, {}, self._store.root, self._offline)
        self._window.select(key)
        request = {"do": "import", "models": str(self._store.root), "folder": str(folder)}
        self._begin(("import", str(folder)), Work(request, "looking", f"Looking through {folder}…"))

    def verify(self) -> None:
        """Reads every byte of the chosen model again."""
        chosen = self._chosen()
        if chosen is not None and chosen[0].name is not None:
            request = {"do": "verify", "models": str(self._store.root), "name": chosen[0].name}
            self._begin(chosen[1], Work(request, "checking", "Reading every byte…"))

    def _begin(self, key: WorkKey, work: Work) -> None:
        if (before := self._works.get(key)) is not None and before.busy:
            return
        self._window.banner.hide()
        self._works[key] = work
        try:
            work.job = Job(self._main, work.request, lambda line: self._hear(key, work, line))
        except ReticleError as error:
            self._end(key, error)
        self._renote()
        self._again()

    def agree(self) -> None:
        """The person accepts the terms of the chosen model."""
        chosen = self._chosen()
        work = self._works.get(chosen[1]) if chosen is not None else None
        if chosen is None or work is None or work.plan is None or work.job is None:
            return
        if chosen[1][0] == "pull":
            plan = work.plan
            begun = Begun(repository=chosen[1][1], revision=plan["revision"], terms=plan["terms"])
            self._keep(self._downloads.with_one(plan["name"], begun))
        self._start(work)

    def _start(self, work: Work) -> None:
        assert work.job is not None
        assert work.plan is not None
        work.agreed, work.phase = True, "fetching"
        work.words, work.total = "Starting…", work.plan["size"]
        work.done = work.plan["size"] - work.plan["missing"]
        work.job.agree()
        self._renote()
        self._again()

    def decline(self) -> None:
        """The person wants nothing fetched."""
        self._drop()

    def pause(self) -> None:
        """Ends the download of the chosen model; what came stays."""
        chosen = self._chosen()
        work = self._works.get(chosen[1]) if chosen is not None else None
        if work is not None and work.phase == "fetching":
            if chosen is not None and chosen[1][0] == "import":  # a copy begins anew
                self._drop()
                return
            work.phase = "paused"
            work.words = f"Paused. {work.words}" if work.total else "Paused"
            self._let_go(work)
            self._renote()
            self._again()

    def resume(self) -> None:
        """Goes on with a paused download."""
        chosen = self._chosen()
        work = self._works.get(chosen[1]) if chosen is not None else None
        if chosen is None or work is None or work.plan is None:
            return
        plan = work.plan
        request = {**work.request, "revision": plan["revision"], "name": plan["name"]}
        again = Work(request, "looking", "Going on…", plan=plan, done=work.done, total=work.total)
        self._begin(chosen[1], again)

    def cancel(self) -> None:
        """Ends looking or checking."""
        self._drop()

    def _drop(self) -> None:
        chosen = self._chosen()
        work = self._works.pop(chosen[1], None) if chosen is not None else None
        if work is not None:
            self._let_go(work)
        if chosen is not None and chosen[1][0] == "import":
            self._extra.pop(chosen[0].key, None)
            self.refresh()
        self._renote()
        self._again()

    @staticmethod
    def _let_go(work: Work) -> None:
        job, work.job = work.job, None
        if job is not None:
            job.stop()

    def _hear(self, key: WorkKey, work: Work, line: dict[str, Any]) -> None:
        """One line of a job; those of a job that was let go are too late."""
        if self._closed or self._works.get(key) is not work or work.job is None:
            return
        if "plan" in line:
            self._planned(key, work, line["plan"])
        elif "progress" in line:
            work.progress(*line["progress"])
            self._renote()
            self._again()
        elif "kept" in line:
            self._kept(key, line["kept"])
        elif "problems" in line:
            self._checked(key, line["problems"])
        elif "error" in line:
            kind = BadInput if line["error"]["kind"] == "input" else ReticleError
            self._end(key, kind(line["error"]["text"]))
        elif line.get("ended"):
            self._end(key, ReticleError(line["ended"]))

    def _planned(self, key: WorkKey, work: Work, plan: dict[str, Any]) -> None:
        work.plan = plan
        begun = self._downloads.begun.get(plan["name"])
        if begun is not None and begun.repository == key[1] and begun.terms == plan["terms"]:
            self._start(work)  # the same terms were accepted when it was begun
            return
        work.phase, work.words = "asking", ""
        self._renote()
        self._again()

    def _kept(self, key: WorkKey, kept: Mapping[str, Any]) -> None:
        self._works.pop(key, None)
        self._extra.pop(self._window.key, None)
        if kept["name"] in self._downloads.begun:
            self._keep(self._downloads.without(kept["name"]))
        unchecked = kept["unchecked"]
        words = "Every file is as announced."
        if unchecked:
            words = f"No checksum to compare with was at hand for {unchecked} of its files; their own are recorded."
        self._window.banner.tell("good", f"{kept['name']} is on this machine", words)
        self.refresh()

    def _checked(self, key: WorkKey, problems: list[Mapping[str, str]]) -> None:
        self._works.pop(key, None)
        if problems:
            first = problems[0]
            text = f"{first['kind']}: {first['file']} ({first['detail']}). Remove the model and get it again."
            count = f"{len(problems)} files are" if len(problems) > 1 else "1 file is"
            self._window.banner.tell("bad", f"{key[1]}: {count} not as recorded", text)
        else:
            self._window.banner.tell("good", f"{key[1]} is whole", "Every byte is as recorded.")
        self.refresh()
        self._again()

    def _end(self, key: WorkKey, error: ReticleError) -> None:
        """A job failed. A download that had begun stays as a paused one, to go on."""
        work = self._works.get(key)
        if work is not None and work.agreed and key[0] == "pull":
            work.phase, work.words, work.job = "paused", "Broken off; what came is kept", None
        else:
            self._works.pop(key, None)
            kind = "known" if key[0] == "pull" else key[0]
            self._extra.pop(f"{kind} {key[1]}", None)  # the banner says why there is no such row
        self._complain(error)
        self.refresh()
        self._renote()
        self._again()

    def _keep(self, downloads: Downloads) -> None:
        self._downloads = downloads
        self._do(lambda: keep_downloads(self._data, downloads), lambda _: None)

    def _renote(self) -> None:
        entry = self._window.entry(self._window.key)
        for row in self._window.entries:
            if row is entry or self._work_of(row) is not None:
                self._window.show_note(row.key, self._note(row))

    # --- using, removing, measuring ---

    def use(self) -> None:
        """Opens the chosen model in place of the one in use."""
        if (chosen := self._chosen()) is not None:
            self._using.use(chosen[0])

    def _used(self, entry: ModelEntry) -> None:
        self.model_chosen.emit(entry.name if entry.kind == "kept" else entry.model or None)
        self.refresh()

    def _measured(self, kept: Benchmarks) -> None:
        self._benchmarks = kept

    def _using_changed(self) -> None:
        self._window.busy.set_busy(self.busy or bool(self._using.switching))
        self._renote()
        self._again()

    def remove(self) -> None:
        """Deletes the chosen model, or what was fetched of it. The page has asked."""
        chosen = self._chosen()
        if chosen is None or chosen[0].name is None or self._in_use(chosen[0]):
            return
        entry, name = chosen[0], chosen[0].name
        work = self._works.pop(chosen[1], None)
        job = work.job if work is not None else None

        def delete() -> None:
            if job is not None:
                job.close()
            self._store.remove(name)

        def then(_: None) -> None:
            if name in self._downloads.begun:
                self._keep(self._downloads.without(name))
            self._window.banner.tell("info", f"{entry.title} was deleted")
            self.refresh()

        self._do(delete, then)

    # --- plumbing ---

    def _do(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        def done(result: T) -> None:
            self._rest()
            then(result)

        def failed(error: ReticleError) -> None:
            self._rest()
            self._complain(error)

        self._waiting += 1
        self._window.busy.set_busy(True)
        self._disk.submit(work, done, failed)

    def _rest(self) -> None:
        self._waiting -= 1
        self._window.busy.set_busy(self._waiting > 0 or self.switching)

    def _complain(self, error: ReticleError) -> None:
        if not isinstance(error, Cancelled) and not self._closed:
            kind = "warn" if isinstance(error, BadInput) else "bad"
            self._window.banner.tell(kind, "That did not work", sentence(error))  # type: ignore[arg-type]

    def _connect(self) -> None:
        window, page = self._window, self._window.page
        window.chosen.connect(self.show)
        window.wanted.connect(self.look_up)
        window.import_chosen.connect(self.take)
        window.refresh_asked.connect(self.refresh)
        for signal, act in (
            (page.get_asked, self.get), (page.agreed, self.agree), (page.declined, self.decline),
            (page.pause_asked, self.pause), (page.resume_asked, self.resume), (page.use_asked, self.use),
            (page.verify_asked, self.verify), (page.cancel_asked, self.cancel),
            (page.remove_confirmed, self.remove), (page.measure_asked, self._using.measure),
            (page.measure_cancelled, self._using.cancel),
        ):  # fmt: skip
            signal.connect(act)
        self._using.changed.connect(self._using_changed)
        self._using.used.connect(self._used)
        self._using.measured.connect(self._measured)

    def close(self) -> None:
        """Ends downloads (what came is kept) and drops the rest; the model process must be closed before."""
        self._closed = True
        for work in self._works.values():
            if work.job is not None:
                work.job.close()
        self._disk.close()
        self._using.close()
