"""labels: packing slips and labels of 200 orders (Chinese and French addresses) into one PDF; the bar is 10 s.

The run is the product's own: read, draw, count, mark, audit, cut the fonts down, store the file.

    python -m benchmarks.labels [--orders 200]
"""

from __future__ import annotations

import argparse
import time
from decimal import Decimal

from benchmarks import ground, orders_w1

BAR = 10.0
STREETS = ("朝阳区建国路 88 号 SOHO 现代城 3 号楼 1204 室", "西湖区文三路 90 号 1 幢 8 楼", "12 Rue de la République")


def main() -> int:
    """Measure and report; returns 1 when a paper is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=200)
    wanted = parser.parse_args().orders
    ground.fresh_database("bench_labels")
    from backoffice.models import User
    from benchmarks import ingest, ingest_ours
    from orders.fulfil.papers import printing
    from orders.models import Order

    ingest._set_up()
    work = orders_w1.generate(orders=wanted, tag="labels")
    shop_id, _places = ingest._shop("LABELS", work)
    ingest_ours.ingest(shop_id, work.pages)
    ids = list(Order.objects.filter(shop=shop_id).order_by("-pk").values_list("pk", flat=True))
    _labels(ids)
    user = User.objects.create(username="bench", is_superuser=True)
    ingest._settle()
    start = time.perf_counter()
    run = printing.begin(user=user, order_ids=ids, kinds=["slip", "label"])
    spent = time.perf_counter() - start
    bad = [one["problem"] for one in run.outcomes if one["problem"]]
    size = printing.file_of(run).size
    ground.say(f"{len(ids)} orders, {run.pages} pages, {size / 1e6:.1f} MB in {spent:.2f} s; {len(bad)} refused")
    ground.report("labels", round(spent, 2), BAR, "s", ratio=BAR / spent)
    return int(bool(bad) or run.pages < 2 * wanted)


def _labels(order_ids: list[int]) -> None:
    """A label for each order, and addresses as they are written in China and France."""
    from backoffice import clock
    from inventory.models import Warehouse
    from orders.models import CarrierAccount, CarrierService, Company, Label, OrderContact, SenderAddress

    place = Warehouse.objects.first()
    assert place is not None
    Company.objects.create(pk=1, name="杭州一库电子商务有限公司", logo_text="一库")
    SenderAddress.objects.create(
        warehouse=place, name="一库杭州仓", phone="0571-88880000", line1="文三路 90 号", city="杭州市", country="CN"
    )
    account = CarrierAccount.objects.create(adapter="offline", name="中通快递")
    service = CarrierService.objects.create(account=account, code="std", name="标准快递")
    now = clock.now()
    contacts = list(OrderContact.objects.filter(order__in=order_ids))
    for number, contact in enumerate(contacts):
        contact.shipping = {
            "name": f"欧阳{chr(0x4E00 + number * 7 % 2000)}{chr(0x5E00 + number * 11 % 1500)}", "city": "北京市",
            "line1": f"{STREETS[number % 3]} {number}", "postcode": f"{100000 + number}", "country": "CN",
            "phone": f"138{number:08d}",
        }  # fmt: skip
    OrderContact.objects.bulk_update(contacts, ["shipping"])
    Label.objects.bulk_create(
        Label(
            order_id=pk, account=account, service=service, warehouse=place, state="bought", idempotency_key=f"b{pk}",
            tracking_number=f"ZT{pk:010d}", weight_g=500, asked_at=now, cost=Decimal(8), data={"route": "CN-100"},
        )
        for pk in order_ids
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
