"""What the buttons of the models window mean. Disk, network and model are asked off the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from reticle_app.background import Background, MainThread
from reticle_app.benchmarking import Benchmarks, Timed, load_benchmarks
from reticle_app.models.entries import Downloads, ModelEntry, entries, keep_downloads, load_downloads
from reticle_app.models.memory import machine_memory
from reticle_app.models.store import Store
from reticle_app.translations import tr
from reticle_grounding.errors import BadInput, Cancelled, ReticleError

from .model_page import PageState
from .model_words import model_title
from .models import ModelsWindow
from .using import ModelInUse, Switch, Using, sentence
from .work import IMPORT, Work, WorkKey, row_key, work_key
from .workshop import Workshop

T = TypeVar("T")
PROGRESS_MS = 150


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
    numbers_chosen = Signal(object)
    """The number type that the settings are to name from now on; None leaves it to the machine."""

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
        self._shop = Workshop(main, self._keep)
        self._extra: dict[str, ModelEntry] = {}
        """Repositories and folders that the person named; rows of their own until they are kept."""
        self._rows: list[ModelEntry] = []
        self._benchmarks = Benchmarks()
        self._pending = QTimer(self)
        self._pending.setSingleShot(True)
        self._pending.setInterval(PROGRESS_MS)
        self._pending.timeout.connect(self._further)
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
        return self._shop.works

    # --- the list ---

    def refresh(self) -> None:
        """Reads the folder of models again."""
        in_use = self._using.model_dir

        def read() -> tuple[list[ModelEntry], Downloads, Benchmarks]:
            downloads = load_downloads(self._data)
            return entries(self._store, self._embedded, downloads, in_use), downloads, load_benchmarks(self._data)

        self._do(read, self._listed)

    def _listed(self, found: tuple[list[ModelEntry], Downloads, Benchmarks]) -> None:
        self._rows, self._shop.downloads, self._benchmarks = found
        there = {row.repository for row in self._rows if row.repository}
        self._extra = {key: row for key, row in self._extra.items() if row.repository not in there}
        before = self._window.entry(self._window.key)
        self._relist()
        rows = self._window.entries
        if before is not None and self._window.entry(before.key) is None:
            same = [r for r in rows if before.repository is not None and r.repository == before.repository]
            self._window.select((same or [r for r in rows if r.title == before.title] or rows)[0].key)

    def _relist(self) -> None:
        rows = [*self._rows, *self._extra.values()]
        notes = {row.key: note for row in rows if (note := self._note(row))}
        self._window.show_entries(rows, notes, self._store.root, self._offline)

    def _note(self, entry: ModelEntry) -> str:
        work = self._work_of(entry)
        if work is not None and (note := work.note()):
            return note
        timed = self._timed(entry)
        if self._in_use(entry):
            return tr("In use, {speed}").format(speed=timed.headline) if timed is not None else tr("In use")
        return timed.headline if timed is not None else ""

    def _timed(self, entry: ModelEntry) -> Timed | None:
        """What was measured in the numbers that it runs in, or would."""
        numbers = self._using.opened_in if self._in_use(entry) else self._using.numbers
        return self._benchmarks.of(entry.model, numbers) if entry.usable else None

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
                words=tr("Opening it; when that fails, the former one comes back")
                if switching
                else work.words
                if work
                else "",
                plan=work.plan if work is not None else None,
                done=work.done if work is not None else 0,
                total=work.total if work is not None else 0,
                timed=self._timed(entry),
                stage=self._using.stage if in_use else None,
                may_switch=self._using.free,
                numbers=self._using.numbers,
                opened_in=self._using.opened_in,
                machine=machine_memory(),
                offline=self._offline,
            )
        )

    def _work_of(self, entry: ModelEntry) -> Work | None:
        return self._shop.works.get(work_key(entry))

    @property
    def _chosen(self) -> ModelEntry | None:
        return self._window.entry(self._window.key)

    def _with_key(self, act: Callable[[WorkKey], object]) -> Callable[[], None]:
        """What a button does with the work of the chosen model."""

        def do() -> None:
            if (entry := self._chosen) is not None:
                act(work_key(entry))

        return do

    # --- fetching and importing ---

    def look_up(self, repository: str) -> None:
        """Asks the hub about a repository that the person named."""
        entry = next((e for e in self._window.entries if repository in (e.repository, e.title)), None)
        if entry is None:
            key, title = f"known {repository}", repository.rpartition("/")[2] or repository
            entry = self._extra[key] = ModelEntry(key, "known", title, "", repository=repository)
            self._relist()
        self._window.repository.clear()
        self._window.select(entry.key)
        if entry.kind in ("known", "unfinished"):
            self.get()

    def get(self) -> None:
        """Looks the chosen model up on the hub; its terms are shown before anything large is fetched."""
        entry = self._chosen
        if entry is None or entry.repository is None:
            return
        begun = self._shop.downloads.begun.get(entry.name or "")
        request = {
            "do": "pull",
            "models": str(self._store.root),
            "repository": entry.repository,
            "revision": begun.revision if begun is not None else None,
            "name": entry.name,
        }
        self._begin(entry, Work(request, "looking", tr("Asking about {name}…").format(name=entry.repository)))

    def take(self, folder: Path) -> None:
        """Imports a model from a folder of this machine."""
        key = f"{IMPORT}{folder}"
        entry = ModelEntry(
            key, "known", folder.name or str(folder), "", note=tr("to be copied from {folder}").format(folder=folder)
        )
        self._extra[key] = entry
        self._relist()
        self._window.select(key)
        request = {"do": "import", "models": str(self._store.root), "folder": str(folder)}
        self._begin(entry, Work(request, "looking", tr("Looking through {folder}…").format(folder=folder)))

    def verify(self) -> None:
        """Reads every byte of the chosen model again."""
        entry = self._chosen
        if entry is not None and entry.kind == "kept":
            request = {"do": "verify", "models": str(self._store.root), "name": entry.name}
            self._begin(entry, Work(request, "checking", tr("Reading every byte…")))

    def _begin(self, entry: ModelEntry, work: Work) -> None:
        self._window.banner.hide()
        self._shop.begin(work_key(entry), work)

    def _dropped(self) -> None:
        entry = self._chosen
        if entry is None:
            return
        self._shop.drop(work_key(entry))
        if self._extra.pop(entry.key, None) is not None:
            self._relist()
            self._window.select(self._rows[0].key if self._rows else "")

    def _kept(self, key: WorkKey, kept: Mapping[str, Any]) -> None:
        self._extra.pop(row_key(key), None)  # of this work: another row may be chosen by now
        unchecked = kept["unchecked"]
        words = tr("Every file is as announced.")
        if unchecked:
            words = tr("No checksum to compare with was at hand for {count} of its files; their own are recorded.")
            words = words.format(count=unchecked)
        title = tr("{name} is on this machine").format(name=kept["name"])
        self._window.banner.tell("good", title, words)
        self.refresh()

    def _checked(self, name: str, problems: list[Mapping[str, str]]) -> None:
        if problems:
            first = problems[0]
            what = sentence(ReticleError(f"{first['kind']}: {first['file']} ({first['detail']})."))
            title = tr("{name}: %n file(s) not as recorded", "", len(problems)).format(name=name)
            again = tr("Remove the model and get it again.")
            self._window.banner.tell("bad", title, f"{what} {again}")
        else:
            title = tr("{name} is whole").format(name=name)
            self._window.banner.tell("good", title, tr("Every byte is as recorded."))
        self.refresh()
        self._further()

    def _failed(self, key: WorkKey, error: ReticleError) -> None:
        if key not in self._shop.works:
            self._extra.pop(row_key(key), None)  # the banner says why
        self._complain(error)
        self.refresh()

    def _keep(self, downloads: Downloads) -> None:
        self._do(lambda: keep_downloads(self._data, downloads), lambda _: None)

    def _soon(self) -> None:
        """Shows progress a few times a second, however often it is told."""
        if not self._pending.isActive():
            self._pending.start()

    def _further(self) -> None:
        """Something is being done with a model, or is done no more."""
        self._window.busy.set_busy(self.busy or self.switching)
        chosen = self._chosen
        for row in self._window.entries:
            if row is chosen or self._in_use(row) or self._work_of(row) is not None:
                self._window.show_note(row.key, self._note(row))
        if chosen is not None:
            self.show(chosen.key)

    def show_again(self) -> None:
        """Settings were changed, here or elsewhere."""
        if not self._closed:
            self._further()

    # --- using, removing, measuring ---

    def use(self) -> None:
        """Opens the chosen model in place of the one in use, or once more in the chosen number type."""
        if (entry := self._chosen) is not None:
            self._using.use(entry)

    def _used(self, entry: ModelEntry) -> None:
        self.model_chosen.emit(entry.name if entry.kind == "kept" else entry.model or None)
        self.refresh()

    def _measured(self, kept: Benchmarks) -> None:
        self._benchmarks = kept

    def remove(self) -> None:
        """Deletes the chosen model, or what was fetched of it. The page has asked."""
        entry = self._chosen
        if entry is None or entry.name is None or self._in_use(entry):
            return
        name, job = entry.name, self._shop.drop(work_key(entry))

        def delete() -> None:
            if job is not None:
                job.close()
            self._store.remove(name)

        def then(_: None) -> None:
            self._shop.forget(name)
            self._window.banner.tell("info", tr("{name} was deleted").format(name=model_title(entry)))
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
            self._window.banner.tell(kind, tr("That did not work"), sentence(error))  # type: ignore[arg-type]

    def _connect(self) -> None:
        window, page = self._window, self._window.page
        window.chosen.connect(self.show)
        window.wanted.connect(self.look_up)
        window.import_chosen.connect(self.take)
        window.refresh_asked.connect(self.refresh)
        shop, using = self._shop, self._using
        for signal, act in (
            (page.get_asked, self.get), (page.agreed, self._with_key(shop.agree)), (page.declined, self._dropped),
            (page.pause_asked, self._with_key(shop.pause)), (page.resume_asked, self._with_key(shop.resume)),
            (page.cancel_asked, self._dropped), (page.verify_asked, self.verify), (page.use_asked, self.use),
            (page.remove_confirmed, self.remove), (page.measure_asked, using.measure),
            (page.measure_cancelled, using.cancel), (shop.changed, self._further), (using.changed, self._further),
            (page.numbers.reopen_asked, self.use), (page.numbers.chosen, self.numbers_chosen),
            (using.numbers_failed, self.numbers_chosen),
        ):  # fmt: skip
            signal.connect(act)
        page.pause_asked.connect(self.refresh)
        shop.progressed.connect(self._soon)
        shop.kept.connect(self._kept)
        shop.checked.connect(self._checked)
        shop.failed.connect(self._failed)
        using.used.connect(self._used)
        using.measured.connect(self._measured)

    def close(self) -> None:
        """Ends downloads (what came is kept) and drops the rest; the model process must be closed before."""
        self._closed = True
        self._shop.close()
        self._disk.close()
        self._using.close()
