"""Numbers out of our ranges: each is given once, ever; a range that runs low is told of, an empty one refuses."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Q

from backoffice import clock
from orders.carriers import numbers
from orders.carriers.base import CarrierError
from orders.models import GivenNumber, LabelRange

MOST_TAKEN = 1_000  # numbers stepped over because another range gave them already


class Ranges:
    """The ranges of one account, as `Numbers` of the contract."""

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id

    @transaction.atomic
    def give(self, *, service: str, key: str) -> str:
        """Give the next number to a request; the same request keeps its number.

        The range is locked while a number is taken, so two labels never get one. Raises CarrierError no_numbers.
        """
        known = GivenNumber.objects.filter(key=key).values_list("number", flat=True).first()
        if known is not None:
            return known
        row = self._open(service)
        if row is None:
            raise CarrierError("no_numbers", "the number ranges are used up", permanent=True)
        known = GivenNumber.objects.filter(key=key).values_list("number", flat=True).first()
        return known if known is not None else self._next(row, key)

    def _open(self, service: str) -> LabelRange | None:
        """Lock the range that is next to use: one of the service before one for all."""
        rows = LabelRange.objects.filter(
            Q(service__isnull=True) | Q(service__code=service), account=self.account_id, active=True
        )
        left = rows.filter(next__lte=F("last")).order_by(F("service").asc(nulls_last=True), "pk")
        for pk in left.values_list("pk", flat=True):
            row = LabelRange.objects.select_for_update().get(pk=pk)
            if row.active and row.left:
                return row
        return None

    def _next(self, row: LabelRange, key: str) -> str:
        figure = row.next if row.next is not None else row.first
        taken = self._taken(row, figure)
        while figure <= row.last and _text(row, figure) in taken:
            figure += 1
        if figure > row.last:
            raise CarrierError("no_numbers", "the number ranges are used up", permanent=True)
        number = _text(row, figure)
        LabelRange.objects.filter(pk=row.pk).update(next=figure + 1)
        GivenNumber.objects.create(
            account_id=self.account_id, number_range=row, number=number, key=key, given_at=clock.now()
        )
        return number

    def _taken(self, row: LabelRange, figure: int) -> set[str]:
        texts = [_text(row, one) for one in range(figure, min(figure + MOST_TAKEN, row.last + 1))]
        given = GivenNumber.objects.filter(account=self.account_id, number__in=texts[:MOST_TAKEN])
        return set(given.values_list("number", flat=True))


def _text(row: LabelRange, figure: int) -> str:
    return numbers.written(
        prefix=row.prefix, figure=figure, digits=row.digits, suffix=row.suffix, check=row.check_digit
    )


def low() -> list[LabelRange]:
    """Return the ranges in use with fewer numbers left than they warn at."""
    rows = LabelRange.objects.filter(active=True, account__active=True).select_related("account")
    return [row for row in rows if row.left < row.warn_below]
