"""A warehouse floor for the packing tests: orders in a wave, picked, on the packing table."""

import itertools
from decimal import Decimal

from inventory.models import Barcode, Pack, ShelfPlace
from orders.fulfil import packing, waves
from orders.models import PackScan, Wave, WaveGoods, WaveOrder
from tests.orders.factories import Seller, line, order

LI, WU = "user:1 li", "user:2 wu"
_keys = itertools.count(1)


def key() -> str:
    """A key that no scan had before."""
    return f"k{next(_keys)}"


class Floor(Seller):
    """One seller with a warehouse where waves are picked and packed."""

    def wave(self, *numbers: int, mode: str = "cluster", actor: str = LI) -> Wave:
        """A wave of these orders."""
        made = waves.make(
            warehouse_id=self.place.pk, order_ids=[self.order(one).pk for one in numbers], mode=mode, actor=actor
        )
        assert made.wave is not None, [one.message for one in made.outcomes]
        return made.wave

    def picked(self, *numbers: int, mode: str = "cluster") -> Wave:
        """A wave of these orders with everything picked."""
        wave = self.wave(*numbers, mode=mode)
        return waves.picked_on_paper(wave_id=wave.pk, actor=LI)

    def bin(self, code: str, name: str, order: int = 0) -> None:
        """Where a SKU lies."""
        ShelfPlace.objects.create(sku=self.skus[code], warehouse=self.place, bin=name, sort_order=order)

    def barcode(self, code: str, barcode: str, pieces: int = 1) -> None:
        """A code printed on the goods, or on a case of so many."""
        sku = self.skus[code]
        pack = Pack.objects.create(sku=sku, name=f"case {pieces}", quantity=pieces) if pieces > 1 else None
        Barcode.objects.create(sku=sku, code=barcode, pack=pack)

    def part(self, number: int) -> WaveOrder:
        """The newest part of an order in a wave."""
        return WaveOrder.objects.filter(order=self.order(number)).order_by("-pk")[0]

    def goods(self, number: int, code: str) -> WaveGoods:
        """The goods of a SKU for an order."""
        return WaveGoods.objects.get(wave_order=self.part(number), sku=self.skus[code])

    def open(self, number: int, actor: str = WU, **options) -> WaveOrder:
        """Put an order on the packing table."""
        return packing.open_order(wave_order_id=self.part(number).pk, actor=actor, **options)

    def scan(self, number: int, text: str, actor: str = WU, **options):
        """Scan at the packing table."""
        options.setdefault("key", key())
        return packing.scan(wave_order_id=self.part(number).pk, actor=actor, text=text, **options)

    def finish(self, number: int, actor: str = WU, **options):
        """Ship what is packed."""
        return packing.finish(wave_order_id=self.part(number).pk, actor=actor, **options)

    def pack(self, number: int, *texts: str, **options):
        """Open, scan all, finish."""
        self.open(number)
        for text in texts:
            answer = self.scan(number, text)
            assert answer.ok, answer.message
        return self.finish(number, **options)


def floor_with_orders(count: int, **quantities) -> Floor:
    """Orders 1…count of two mugs and a cup each."""
    floor = Floor(**({"MUG": 100, "CUP": 100} | quantities))
    floor.take(*(order(n, line("MUG", 2, 1), line("CUP", 1, 2)) for n in range(1, count + 1)))
    return floor


def pick(wave: Wave, row, actor: str = LI, quantity=None, **options):
    """Confirm a stop."""
    options.setdefault("key", key())
    wanted = row.total - row.picked if quantity is None else Decimal(quantity)
    return waves.confirm(wave_id=wave.pk, row=row.key, quantity=wanted, actor=actor, **options)


def codes(stage: str) -> list[tuple[str, bool]]:
    """The kept scans of a stage, oldest first: (outcome, right)."""
    return list(PackScan.objects.filter(stage=stage).order_by("pk").values_list("code", "right"))
