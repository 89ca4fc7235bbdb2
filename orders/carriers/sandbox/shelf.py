"""What the practice carrier keeps: shipments by key and number, their events, manifests; on disk between starts."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
STAGES = (
    ("accepted", "已揽收 Collected"),
    ("moving", "运输中 On the way"),
    ("out", "派送中 Out for delivery"),
    ("delivered", "已签收 Delivered"),
)


class Shelf:
    """The carrier's books, behind one lock."""

    def __init__(self, clock: Callable[[], dt.datetime], file: Path | None = None) -> None:
        self.lock, self.clock, self.file = threading.RLock(), clock, file
        self.by_key: dict[str, Row] = {}
        self.by_id: dict[str, Row] = {}
        self.manifests: dict[str, Row] = {}
        if file is not None and file.exists():
            kept = json.loads(file.read_text(encoding="utf-8"))
            self.by_key, self.manifests = kept["shipments"], kept["manifests"]
            self.by_id = {one["id"]: one for one in self.by_key.values()}
        self._numbers = itertools.count(len(self.by_id) + 1)

    def save(self) -> None:
        """Write everything to disk, if there is a file."""
        if self.file is not None:
            kept = {"shipments": self.by_key, "manifests": self.manifests}
            self.file.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")

    def create(self, key: str, asked: Row, amount: str, currency: str) -> Row:
        """Book a shipment under a key."""
        number = next(self._numbers)
        row: Row = {
            "id": f"s{number}", "number": f"YP{number:010d}CN", "amount": amount, "currency": currency,
            "state": "open", "asked": asked, "digest": digest(asked), "events": [], "handed_over": "",
        }  # fmt: skip
        self.by_key[key] = self.by_id[row["id"]] = row
        self.save()
        return row

    def find(self, number: str) -> Row | None:
        """Return a shipment by its tracking number."""
        return next((one for one in self.by_id.values() if one["number"] == number), None)

    def hand_over(self, row: Row) -> None:
        """The driver scans it."""
        if not row["handed_over"]:
            row["handed_over"] = self.clock().isoformat()
            self.add_event(row, 0, self.clock())

    def advance(self, row: Row, seconds: float | None = None) -> None:
        """Let a parcel travel on: by one stage, or as far as it is after so many seconds a stage."""
        if not row["handed_over"]:
            return
        done = len(row["events"])
        begun = dt.datetime.fromisoformat(row["handed_over"])
        if seconds is None:
            due = done + 1
        else:
            due = 1 + int((self.clock() - begun).total_seconds() // seconds)
        for stage in range(done, min(due, len(STAGES))):
            self.add_event(
                row, stage, self.clock() if seconds is None else begun + dt.timedelta(seconds=seconds * stage)
            )

    def add_event(self, row: Row, stage: int, at: dt.datetime) -> None:
        """Note one stage."""
        code, text = STAGES[stage]
        place = row["asked"].get("to", {}).get("city", "") if stage >= 2 else "集散中心 Hub"
        row["events"].append(
            {"id": f"{row['id']}-{stage}", "number": row["number"], "code": code, "text": text, "place": place,
             "at": at.isoformat()}
        )  # fmt: skip
        self.save()


def digest(asked: Row) -> str:
    """Tell equal requests without keeping them twice."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
