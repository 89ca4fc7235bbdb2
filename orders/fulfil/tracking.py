"""What carriers tell of parcels on the way: asked in pages, less often the longer a parcel travels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from backoffice import clock
from backoffice.redaction import without_people
from orders.carriers.base import Capability, CarrierError, News
from orders.carriers.registry import adapter_class, adapter_for
from orders.fulfil import carrier_texts
from orders.fulfil.labels import pause
from orders.models import CarrierAccount, Label, TrackingEvent

State = Label.State
HOUR = dt.timedelta(hours=1)
GIVE_UP = dt.timedelta(days=60)
AHEAD = dt.timedelta(days=1)  # a carrier's clock may be off, not by more


def read_due(most_pages: int = 4) -> int:
    """Ask every carrier about the parcels that are due; returns how many events are new."""
    now, new = clock.now(), 0
    accounts = CarrierAccount.objects.filter(labels__track_at__lte=now).distinct().select_related("credential")
    for account in accounts:
        for _page in range(most_pages):
            page = _due(account, now)
            if not page:
                break
            new += _read(account, page, now)
    return new


def _due(account: CarrierAccount, now: dt.datetime) -> list[Label]:
    size = adapter_class(account.adapter).most_tracked
    rows = Label.objects.filter(account=account, state=State.USED, track_at__lte=now)
    return list(rows.defer("pdf", "request").order_by("track_at", "pk")[:size])


def _read(account: CarrierAccount, page: Sequence[Label], now: dt.datetime) -> int:
    ids = [one.pk for one in page]
    if Capability.TRACK not in adapter_class(account.adapter).capabilities:
        Label.objects.filter(pk__in=ids).update(track_at=None)
        return 0
    try:
        news = adapter_for(account).track([one.tracking_number for one in page])
    except CarrierError as error:
        wait = error.retry_after or max(pause(page[0].track_failures + 1), 60.0)
        after = now + dt.timedelta(seconds=wait)
        Label.objects.filter(pk__in=ids).update(track_at=after, track_failures=F("track_failures") + 1)
        return 0
    return take(page, news, now)


@transaction.atomic
def take(page: Sequence[Label], news: Sequence[News], now: dt.datetime) -> int:
    """Note what is new of some parcels, and when each is asked about next; events come in any order, and twice."""
    by_number: dict[str, list[News]] = {}
    for one in news:
        by_number.setdefault(one.number, []).append(one)
    people = carrier_texts.people_by_order({label.order_id for label in page})

    def told(text: str, label: Label) -> str:
        """Their courier's number stays, it is of use; the buyer's own goes."""
        return without_people(text, people.get(label.order_id, ()), any_number=False)

    before = TrackingEvent.objects.filter(label__in=page).count()
    TrackingEvent.objects.bulk_create(
        [
            TrackingEvent(label=label, external_id=one.external_id, code=one.code, at=min(one.at, now + AHEAD),
                          place=_plain(one.place, 100), text=_plain(told(one.text, label), 300), heard_at=now)
            for label in page
            for one in by_number.get(label.tracking_number, ())
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    for label in page:
        _settle(label, by_number.get(label.tracking_number, []), now)
    return TrackingEvent.objects.filter(label__in=page).count() - before


def _plain(text: str, most: int) -> str:
    return text.replace("\0", "")[:most]


def _settle(label: Label, news: Sequence[News], now: dt.datetime) -> None:
    delivered = [one.at for one in news if one.code == TrackingEvent.Code.DELIVERED]
    label.delivered_at = label.delivered_at or (min(delivered) if delivered else None)
    if news and label.scanned_out_at is None:  # the carrier has it, so it left
        label.scanned_out_at = min(one.at for one in news)
    label.track_failures = 0
    label.track_at = None if label.delivered_at else _next(label, now)
    label.save(update_fields=["delivered_at", "scanned_out_at", "track_failures", "track_at"])


def _next(label: Label, now: dt.datetime) -> dt.datetime | None:
    """Return when to ask again: hourly on the first day, then less and less, after two months no more."""
    age = now - (label.scanned_out_at or label.bought_at or label.asked_at)
    if age > GIVE_UP:
        return None
    if age < dt.timedelta(days=1):
        return now + HOUR
    return now + (3 * HOUR if age < dt.timedelta(days=7) else 12 * HOUR)
