"""A seller whose buyers send things back."""

from decimal import Decimal

import pytest

from orders.fulfil import shipping
from orders.models import Return, ReturnReason
from orders.returns import deciding, inspecting, limits, receiving, requesting
from tests.orders.factories import Seller, line, order

ANN, WU = "user:1 ann", "user:2 wu"


class Returns(Seller):
    """A seller with shipped orders and short words for what is done to returns."""

    def __init__(self, **options):
        super().__init__(**options)
        self.count = 0

    def key(self) -> str:
        """A key nobody used."""
        self.count += 1
        return f"k{self.count}"

    def sent(self, number=1, *lines, **fields):
        """An order that has left; the default: two mugs."""
        self.take(order(number, *(lines or (line("MUG", 2),)), **fields))
        found = self.order(number)
        shipping.ship(order_id=found.pk, parcels=[shipping.Parcel(carrier="SF", tracking=f"SF{number}")],
                      actor=WU, idempotency_key=f"ship{number}")  # fmt: skip
        return self.order(number)

    def rma(self, number=1, units="2", *, approve=True, **fields) -> Return:
        """An approved return of the order's first line."""
        lines = {} if units is None else {self.lines(number)[0].pk: Decimal(units)}
        made = requesting.open_return(
            order_id=self.order(number).pk, lines=fields.pop("lines", lines), actor=ANN, key=self.key(), **fields
        )
        if approve:
            deciding.approve(return_id=made.pk, actor=ANN)
        return Return.objects.get(pk=made.pk)

    def receive(self, rma, *counts, **fields):
        """Count the lines of a return; all that was announced when no figures are given."""
        rows = list(rma.lines.order_by("pk"))
        figures = counts or [row.quantity for row in rows]
        return receiving.receive(
            return_id=rma.pk, counts={row.pk: Decimal(n) for row, n in zip(rows, figures, strict=False)},
            actor=fields.pop("actor", WU), key=fields.pop("key", self.key()), **fields,
        )  # fmt: skip

    def decide(self, rma, *choices, **fields):
        """Decide about the first line: (verdict, units), …"""
        row = rma.lines.order_by("pk").first()
        made = [
            inspecting.Choice(line_id=row.pk, verdict=verdict, units=Decimal(units), reason="looked at it")
            for verdict, units in choices
        ]
        return inspecting.decide(
            return_id=rma.pk, choices=made, actor=fields.pop("actor", WU), key=fields.pop("key", self.key()), **fields
        )


@pytest.fixture
def seller(db) -> Returns:
    """Ten mugs at 4.00 on the shelf; an order sells two at 10.00 apiece."""
    limits.seed()
    return Returns(MUG=10, CUP=10)


@pytest.fixture
def reason(db) -> ReturnReason:
    """One of the reasons that an installation starts with."""
    return ReturnReason.objects.get(name_en="Faulty")
