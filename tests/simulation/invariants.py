"""What must hold at every quiet point: the product's tables against the model, the platforms and themselves.

The numbers are those of reliability.md, section 3: I1–I6, I8, I10–I12.
"""

from collections import Counter, defaultdict
from decimal import Decimal

from django.apps import apps
from django.db.models import Count, F, Sum

from backoffice import clock, outbox
from backoffice.models import AuditEntry, Lease
from channels.models import (
    InboundPayload,
    OrderNotice,
    PlatformObservation,
    PollState,
    PushJob,
    SyncError,
    WebhookArrival,
)
from finance.models import PostingRequest, Voucher, VoucherLine
from inventory.models import Balance, Reservation, StockEntry
from orders.contracts import from_json
from orders.models import Order, OrderLine, OrderVersion, Refund, ReviewLog, Shipment
from tests.simulation import setting


def check(world):
    """Check everything; the first thing that does not hold raises AssertionError with its number."""
    with clock.moved_to(lambda: world.now):
        for name, rule in RULES.items():
            try:
                rule(world)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from error


def ledger_adds_up(world):
    """I1: balances are the sums of their entries, and the model's shelves are the product's."""
    sums = defaultdict(Decimal)
    for row in (
        StockEntry.objects.values_list("sku_id", "warehouse_id", "bucket").annotate(total=Sum("quantity")).order_by()
    ):
        sums[row[:3]] += row[3]
    shelves = {}
    for row in Balance.objects.all():
        found = [row.on_hand, row.demand, row.reserved, row.incoming]
        assert found == [sums[row.sku_id, row.warehouse_id, bucket] for bucket in (1, 2, 3, 4)], f"{row}: {found}"
        shelves[world.house.sku_name(row.sku_id), world.house.place_name(row.warehouse_id)] = row.on_hand
    assert {key: value for key, value in shelves.items() if value} == {
        key: value for key, value in world.model.on_hand.items() if value
    }


def value_adds_up(world):
    """I1: the value of a shelf is the sum of what its entries carried, and nothing lies on an empty one."""
    rows = (
        StockEntry.objects.filter(bucket=1)
        .values_list("sku_id", "warehouse_id")
        .annotate(total=Sum("value"))
        .order_by()
    )
    values = {row[:2]: row[2] for row in rows}
    for row in Balance.objects.all():
        assert row.value == values.get((row.sku_id, row.warehouse_id), 0), f"{row.sku_id} {row.value}"


def reservations_belong(world):
    """I2: demand and reserved are the open reservations, each of a live line, and together what buyers wait for."""
    held = defaultdict(Decimal)
    waiting = defaultdict(int)
    live = {
        f"orders.line:{pk}"
        for pk in OrderLine.objects.filter(order__state__in=("unpaid", "held", "approved", "partly_shipped", "shipped"))
        .filter(quantity__gt=F("shipped_quantity"))
        .values_list("pk", flat=True)
    }
    for row in Reservation.objects.filter(quantity__gt=0):
        assert row.reference in live, f"{row} holds goods for nobody"
        held[row.sku_id, row.warehouse_id, row.bucket] += row.quantity
        waiting[world.house.sku_name(row.sku_id)] += int(row.quantity)
    for row in Balance.objects.all():
        assert (row.demand, row.reserved) == tuple(held[row.sku_id, row.warehouse_id, bucket] for bucket in (2, 3)), (
            str(row)
        )
    expected = {sku: pieces for sku, pieces in world.model.committed().items() if pieces}
    assert dict(waiting) == expected, f"waiting {dict(waiting)}, expected {expected}"


def shortages_are_named(world):
    """I3: nothing is promised twice; where buyers want more than there is, held orders say so."""
    wanted, there = defaultdict(Decimal), defaultdict(Decimal)
    for row in Balance.objects.all():
        assert 0 <= row.reserved <= row.on_hand, str(row)
        wanted[row.sku_id] += row.demand
        there[row.sku_id] += row.on_hand - row.reserved
    short = {sku for sku, pieces in wanted.items() if pieces > there[sku]}
    waiting = Reservation.objects.filter(bucket=2, quantity__gt=0, sku_id__in=short).values_list("reference", "sku_id")
    lines = {f"orders.line:{line.pk}": line.order for line in OrderLine.objects.select_related("order")}
    for sku in short:
        orders = [lines[reference] for reference, own in waiting if own == sku]
        stopped = [one for one in orders if one.state in ("held", "unpaid") or one.hold_code == "short_stock"]
        assert stopped, f"{world.house.sku_name(sku)}: oversold and nobody is told"


def orders_are_the_platforms(world):
    """I4: every order of a platform is here once, with its lines and quantities; nothing else is."""
    theirs = {(name, order) for name, platform in world.platforms.items() for order in platform.orders}
    ours = Counter(Order.objects.values_list("shop__code", "external_id"))
    assert set(ours) == theirs | {("C", order) for order in world.own}
    assert set(ours.values()) <= {1}
    lines = defaultdict(dict)
    for row in OrderLine.objects.select_related("order__shop"):
        lines[row.order.shop.code, row.order.external_id][row.external_id] = row
    for name, platform in world.platforms.items():
        for order in platform.orders:
            for wanted in platform.latest(order)["lines"]:
                row = lines[name, order][wanted["id"]]
                assert row.quantity == wanted["quantity"], f"{wanted['id']}: {row.quantity} for {wanted['quantity']}"


def newest_version_rules(world):
    """I5: the newest version delivered is the accepted one, waits for a person, or was rejected by one."""
    for order in Order.objects.exclude(shop__code="C").select_related("shop"):
        latest = world.platforms[order.shop.code].latest(order.external_id)
        assert order.platform_updated_at == latest["updated"], f"{order.external_id}: {order.platform_updated_at}"
        versions = list(OrderVersion.objects.filter(order=order).order_by("number"))
        alive = [one for one in versions if one.outcome != "stale"]
        newest = max(alive, key=lambda one: (one.platform_updated_at, one.number))
        assert newest.outcome in ("accepted", "waiting", "rejected", "superseded"), newest.outcome
        if order.pending_version_id:
            assert order.pending_version_id == newest.pk, f"{order.external_id}: an old edit waits"
        if newest.outcome == "accepted":
            assert order.accepted_version_id == newest.pk
            assert order.total == from_json(newest.content).total


def shops_show_what_is_true(world):
    """I6: every listing shows the figure that the model works out, and nothing waits to be sent."""
    promised = defaultdict(int)
    for row in Balance.objects.all():
        key = world.house.sku_name(row.sku_id), world.house.place_name(row.warehouse_id)
        promised[key] = int(row.demand + row.reserved)
    for name, platform in world.platforms.items():
        for listing, row in platform.listings.items():
            expected = world.model.shares(name, listing, promised, platform.locations, world.house.arrangement[name][0])
            if expected is not None:
                assert row["stock"] == expected, f"{name} {listing} shows {row['stock']}, should show {expected}"
    busy = PushJob.objects.exclude(state="idle").values_list("listing__external_id", "state", "code")
    assert not busy, list(busy)


def parcels_are_known_once(world):
    """I9: each of our parcels stands on its platform exactly once, or waits for a person as parked."""
    parked = set(OrderNotice.objects.filter(state="parked").values_list("reference", flat=True))
    for shipment in (
        Shipment.objects.filter(state="sent", source="desk")
        .exclude(order__shop__code="C")
        .select_related("order__shop")
    ):
        platform = world.platforms[shipment.order.shop.code]
        there = [
            one
            for one in platform.parcels.get(shipment.order.external_id, ())
            if one["tracking"] == shipment.tracking_number
        ]
        assert len(there) == 1 or (not there and shipment.reference in parked), (
            f"{shipment} is there {len(there)} times"
        )
    for shipment in Shipment.objects.filter(state="void").select_related("order__shop"):
        platform = world.platforms.get(shipment.order.shop.code)
        told = platform.parcels.get(shipment.order.external_id, ()) if platform else ()
        assert not any(one["tracking"] == shipment.tracking_number for one in told), f"{shipment} was taken back"


def books_balance(world):
    """I8: vouchers balance, one per parcel and refund; orders add up; no refund is larger than what was paid."""
    open_ = PostingRequest.objects.exclude(state__in=("posted", "empty"))
    assert not open_.exists(), list(open_.values_list("reference", "state", "error_code"))
    sides = VoucherLine.objects.values("voucher_id").annotate(debit=Sum("debit"), credit=Sum("credit")).order_by()
    assert all(row["debit"] == row["credit"] for row in sides)
    for shipment in Shipment.objects.all():
        assert PostingRequest.objects.filter(reference=shipment.reference).count() == 1, shipment.reference
    assert not Voucher.objects.values("reference").annotate(n=Count("pk")).filter(n__gt=1).order_by().exists()
    for order in Order.objects.prefetch_related("lines"):
        lines = sum((line.total for line in order.lines.all()), Decimal(0))
        if order.pending_version_id is None and not _rejected(order):
            assert order.total == lines + order.shipping_total + order.rounding, f"{order.external_id}: {order.total}"
    for row in Refund.objects.values("order_id").annotate(total=Sum("amount")).order_by():
        paid = sum(
            (line.unit_price * line.ordered_quantity for line in OrderLine.objects.filter(order_id=row["order_id"])),
            Decimal(0),
        )
        assert row["total"] <= paid, row


def _rejected(order):
    return OrderVersion.objects.filter(order=order, outcome="rejected").exists()


def deeds_are_on_record(world):
    """I10: everything people did stands in the audit trail under their name."""
    found = Counter(AuditEntry.objects.values_list("action", "target", "actor"))
    missing = Counter(world.audited) - found
    assert not missing, missing
    assert not ReviewLog.objects.exclude(person_verdict="").filter(person="").exists()


def nothing_is_stuck(world):
    """I11: no lease outlives its worker, nothing waits without a reason that somebody can see."""
    late = [
        one.name
        for one in Lease.objects.exclude(holder="")
        if one.until and one.until < world.now and not one.name.startswith("chore:")
    ]
    assert not late, late
    assert not WebhookArrival.objects.exclude(state="done").exists()
    parked = OrderNotice.objects.exclude(state="done")
    assert all(one.state == "parked" for one in parked), list(parked.values_list("kind", "state", "code"))
    told = SyncError.objects.filter(kind="tracking", state="open").count()
    assert told == parked.count(), f"{parked.count()} parked messages, {told} in the error queue"
    others = SyncError.objects.filter(state="open").exclude(kind="tracking")
    assert not others.exists(), list(others.values_list("kind", "reference", "code"))


def work_is_done(world):
    """I12: five quiet minutes after the faults are lifted, nothing is left to do and every walk is complete."""
    for consumer in outbox.consumers():
        model = apps.get_model(consumer.delivery)
        left = model.objects.filter(consumer=consumer.name).exclude(state="done")
        assert not left.exists(), list(left.values_list("consumer", "state", "code"))
    for state in PollState.objects.filter(account__in=world.house.accounts.values()):
        assert not state.walking, state
        assert (world.now - state.last_ok_at).total_seconds() < 120, state


def originals_are_kept(world):
    """What platforms told stands in the log as it came, figures they showed too."""
    assert InboundPayload.objects.count() >= sum(len(platform.orders) for platform in world.platforms.values())
    assert PlatformObservation.objects.exists()
    assert set(setting.LISTED) == {"A", "B", "C"}


RULES = {
    "I1 ledger": ledger_adds_up,
    "I1 value": value_adds_up,
    "I2": reservations_belong,
    "I3": shortages_are_named,
    "I4": orders_are_the_platforms,
    "I5": newest_version_rules,
    "I6": shops_show_what_is_true,
    "I8": books_balance,
    "I9": parcels_are_known_once,
    "I10": deeds_are_on_record,
    "I11": nothing_is_stuck,
    "I12": work_is_done,
    "logs": originals_are_kept,
}
