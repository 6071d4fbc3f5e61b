"""Salesforce's Bulk API 2.0: thousands of records as one job, in CSV.

Source, read 2026-11-26: developer.salesforce.com, Bulk API 2.0 and Bulk API Developer Guide: Create
a Job, Upload Job Data (150 MB), Upload Complete, Get Information About an Ingest Job, Successful,
Failed and Unprocessed Record Results; Prepare CSV Files (`#N/A` empties a field).
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Sequence

from outreach.channels import Later, Sent
from outreach.channels.crm import CannotPush, Fates, Record, as_text, told
from outreach.channels.crm.client import Client
from outreach.channels.crm.salesforce import RECORD_ID, fate_of, refusal

EMPTY = "#N/A"
_FIRST_LOOK, _LONGEST_LOOK = 1.0, 20.0  # seconds between two looks at a job
_PATIENCE = 3600.0  # seconds; a job that takes longer is looked for by the next push
_ENDED = frozenset({"JobComplete", "Failed", "Aborted"})


class Jobs:
    """Jobs that write one object."""

    at_once = 25_000  # some 10 MB

    def __init__(
        self, client: Callable[[], Client], *, object_: str, key: str, version: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._client, self._object, self._key, self._sleep = client, object_, key, sleep
        self._api = f"/services/data/v{version}/jobs/ingest"

    def submit(self, records: Sequence[Record], remember: Callable[[str], None]) -> str:
        """See `Bulk`. Until the upload is said to be complete the job does nothing."""
        upsert = {"operation": "upsert", "externalIdFieldName": self._key}
        how = {"operation": "update"} if self._key == RECORD_ID else upsert
        job = {"object": self._object, "contentType": "CSV", "lineEnding": "LF", **how}
        answer = self._client().json("POST", self._api, job)
        said = answer.json()
        if not answer.ok or not isinstance(said, dict) or not said.get("id"):
            raise refusal(answer, self._object)
        name = str(said["id"])
        remember(name)
        body, kind = self._csv(records), {"Content-Type": "text/csv; charset=UTF-8"}
        answer = self._client().call("PUT", f"{self._api}/{name}/batches", body, kind)
        if not answer.ok:
            raise refusal(answer, self._object)
        self._say(name, "UploadComplete")
        return name

    def collect(self, job: str) -> Fates | None:
        """See `Bulk`."""
        waited, look = 0.0, _FIRST_LOOK
        while (state := self._state(job)) not in _ENDED:
            if state in ("Open", None):  # it was cut off before its upload was complete, or is gone
                if state:
                    self._say(job, "Aborted")
                return None
            if waited > _PATIENCE:
                raise CannotPush(
                    f"Salesforce works on job {job} for an hour: the next push looks for it again."
                )
            self._sleep(look)
            waited, look = waited + look, min(look * 1.5, _LONGEST_LOOK)
        return self._fates(job)

    def _state(self, job: str) -> str | None:
        answer = self._client().call("GET", f"{self._api}/{job}")
        if answer.status == 404:
            return None
        if not answer.ok:
            raise refusal(answer, self._object)
        return str((answer.json() or {}).get("state"))

    def _fates(self, job: str) -> Fates:
        fates: Fates = {}
        for row in self._results(job, "unprocessedrecords"):
            fates[row[self._key]] = Later("the job ended before it")
        for row in self._results(job, "failedResults"):
            # As in UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--
            code, _, message = (row.get("sf__Error") or "refused").partition(":")
            fates[row[self._key]] = fate_of(code, told(message))
        for row in self._results(job, "successfulResults"):
            fates[row[self._key]] = Sent(row.get("sf__Id"))
        return fates

    def _results(self, job: str, which: str) -> list[dict[str, str]]:
        answer = self._client().call("GET", f"{self._api}/{job}/{which}/")
        if not answer.ok:
            raise refusal(answer, self._object)
        return list(csv.DictReader(io.StringIO(answer.body.decode("utf-8"))))

    def _say(self, job: str, state: str) -> None:
        answer = self._client().json("PATCH", f"{self._api}/{job}", {"state": state})
        if not answer.ok:
            raise refusal(answer, self._object)

    def _csv(self, records: Sequence[Record]) -> bytes:
        file = io.StringIO()
        rows = csv.writer(file, lineterminator="\n")
        names = list(records[0].fields)
        rows.writerow([self._key, *names])
        for record in records:
            values = (as_text(record.fields[name], EMPTY) for name in names)
            rows.writerow([record.key, *values])
        return file.getvalue().encode()
