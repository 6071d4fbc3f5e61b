"""Scores into the CRM: what changed goes, and what is acknowledged never goes twice."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from outreach.channels.crm import Bulk, Crm, Fates, Record
from outreach.push import memory
from outreach.push.due import Due
from outreach.push.fields import emptied
from outreach.store.audit import audit
from outreach.store.database import Store

Told = tuple[Record, int]  # with its digest
Write = Callable[[Sequence[Record]], Fates]
Noted = Callable[[Sequence[Told], Fates], None]


@dataclass(frozen=True)
class Pusher:
    """Brings a CRM to the scores of a night. `night`: its day number. `going` says whether to
    begin another call, of which `parallel` run at once."""

    store: Store
    crm: Crm
    night: int
    parallel: int = 1
    going: Callable[[], bool] = lambda: True

    def end_jobs(self) -> Counter[str]:
        """What became of jobs that an earlier push left."""
        count: Counter[str] = Counter()
        for job in memory.jobs(self.store):
            fates = self.crm.bulk.collect(job) if self.crm.bulk else None
            memory.ended(self.store, job, fates, self.night)
            count += _counted(fates or {})
        return count

    def push(self, due: Due, *, by: str, now: datetime) -> Counter[str]:
        """Empties the fields of those who are gone, tells what is due; counts what became of it.

        Each answer is on record before the next call is waited for: killed, the same again goes
        on. Raises `CannotPush` when nothing goes any more; what was acknowledged stays.
        """
        count: Counter[str] = Counter()
        try:
            gone = [*memory.erased(self.store), *due.gone]
            clearing = ((record, 0) for record in emptied(gone, due.naming))
            self._calls(clearing, self.crm.clear, partial(self._cleared, count))
            if self.crm.bulk is not None and due.many >= self.crm.bulk_from:
                self._jobs(self.crm.bulk, due.records(), count)
            else:
                self._calls(due.records(), self.crm.write, partial(self._answered, count))
        finally:
            if count:
                with self.store.begin() as tx:
                    audit(tx, by=by, now=now, verb="push", subject="crm", counts=dict(count))
        return count

    def _calls(self, told: Iterable[Told], write: Write, note: Noted) -> None:
        """Call after call, `parallel` of them at once; each answer is noted when it comes."""
        with ThreadPoolExecutor(self.parallel) as pool:
            waiting: deque[tuple[list[Told], Future[Fates]]] = deque()
            try:
                for some in _some(told, self.crm.at_once):
                    if not self.going():
                        break
                    waiting.append((some, pool.submit(write, [record for record, _ in some])))
                    if len(waiting) >= 2 * self.parallel:
                        some, future = waiting.popleft()
                        note(some, future.result())
            except BaseException:
                for _, future in waiting:
                    future.cancel()  # what has not begun does not; what has is noted
                raise
            finally:
                _note_all(waiting, note)

    def _answered(self, count: Counter[str], some: Sequence[Told], fates: Fates) -> None:
        memory.answered(self.store, _digests(some), fates, self.night)
        count.update(_counted(fates))

    def _cleared(self, count: Counter[str], some: Sequence[Told], fates: Fates) -> None:
        memory.cleared(self.store, fates, self.night)
        became = _counted(fates)
        count["cleared"] += became.pop("sent", 0)
        count["not_cleared"] += became.total()

    def _jobs(self, bulk: Bulk, told: Iterable[Told], count: Counter[str]) -> None:
        for some in _some(told, bulk.at_once):
            if not self.going():
                break
            digests = _digests(some)
            remember = partial(memory.begin, self.store, told=digests)
            job = bulk.submit([record for record, _ in some], remember)
            fates = bulk.collect(job)
            memory.ended(self.store, job, fates, self.night)
            count.update(_counted(fates or {}))


def _note_all(waiting: Iterable[tuple[list[Told], Future[Fates]]], note: Noted) -> None:
    """What is under way is noted, whatever became of another; the first failure is raised."""
    failed: Exception | None = None
    for some, future in waiting:
        if future.cancelled() or (failed and future.cancel()):
            continue
        try:
            note(some, future.result())
        except Exception as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _some(told: Iterable[Told], at_once: int) -> Iterator[list[Told]]:
    left = iter(told)
    while some := list(islice(left, at_once)):
        yield some


def _digests(some: Sequence[Told]) -> dict[str, int]:
    return {record.key: digest for record, digest in some}


def _counted(fates: Fates) -> Counter[str]:
    return Counter(type(fate).__name__.lower() for fate in fates.values())
