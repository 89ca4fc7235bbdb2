"""What people do to lots and with them: receive, correct, block, age, alert, audit, transfer, scan, recall."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import transaction

from backoffice import clock
from backoffice.models import Incident
from inventory import arrivals, availability, explain
from inventory.adjusting import Line, adjust
from inventory.alerts.rules import RuleBook
from inventory.arrivals import Expected
from inventory.lots import ageing, keeping, proposing, recall, saying, scanning, watch
from inventory.lots.errors import LotRefused
from inventory.models import (
    AuditFinding,
    Balance,
    Barcode,
    Lot,
    LotBalance,
    LotMovement,
    StockAlertRule,
    StockChange,
    Tracking,
)
from inventory.self_audit import repairing, runs
from inventory.transfers import picking, planning, receiving
from inventory.transfers.planning import Wish
from tests.inventory.factories import bundle, shop, sku, stock
from tests.inventory.lots.conftest import apart, come, expires, go, in_days, lots, tracked

pytestmark = pytest.mark.django_db
D = Decimal


# --- saying --------------------------------------------------------------------------------------------------------


def refusal(work):
    with pytest.raises(LotRefused) as found, transaction.atomic():
        work()
    return found.value.code, found.value.field


def test_one_lot_several_lots_and_serials_are_read_from_one_field(milk):
    milk.shelf_life_days = 30
    assert saying.said(milk, D(6), " a12 ", "2027-03-31") == (saying.Said("a12", D(6), dt.date(2027, 3, 31)),)
    assert saying.said(milk, D(6), "A × 2 @ 2027/3/1\nB*4") == (
        saying.Said("A", D(2), dt.date(2027, 3, 1)),
        saying.Said("B", D(4), in_days(30)),
    )
    phone = tracked("PHONE", Tracking.SERIAL)
    assert [one.number for one in saying.said(phone, D(3), "S1, S2\nS3")] == ["S1", "S2", "S3"]


def test_what_cannot_be_is_named_by_its_field(milk):
    box, plain = tracked("BOX", Tracking.LOT), sku("PLAIN")
    assert refusal(lambda: saying.said(milk, D(1), "")) == ("lot_missing", "lot")
    assert refusal(lambda: saying.said(milk, D(1), "A")) == ("expiry_missing", "expires_on")
    assert refusal(lambda: saying.said(milk, D(1), "A", "31 March")) == ("bad_date", "expires_on")
    assert refusal(lambda: saying.said(box, D(5), "A*2\nB*2")) == ("split_sum", "lot")
    assert refusal(lambda: saying.said(box, D(5), "A*2\nB")) == ("bad_quantity", "lot")
    assert refusal(lambda: saying.said(box, D(4), "A*2\na * 2")) == ("lot_twice", "lot")
    assert refusal(lambda: saying.said(plain, D(1), "A")) == ("not_tracked", "lot")
    assert saying.said(plain, D(1), "") == ()


def test_a_lot_that_stands_keeps_its_date(milk, here):
    keeping.announce(sku_id=milk.pk, code="MILK", said=saying.said(milk, D(1), "A", "2027-03-31"))
    assert saying.said(milk, D(1), "A")[0].expires_on == dt.date(2027, 3, 31)
    other = saying.said(milk, D(1), "A", "2027-04-30")
    assert refusal(lambda: keeping.announce(sku_id=milk.pk, code="MILK", said=other))[0] == "expiry_differs"


def test_a_gs1_code_says_article_lot_expiry_and_serial():
    read = scanning.read("010950600013435217270331" + "10A12B\x1d21S77")
    assert (read.codes[0], read.lot, read.serial, read.expires_on) == (
        "9506000134352", "A12B", "S77", dt.date(2027, 3, 31)
    )  # fmt: skip
    assert scanning.read("]d2010950600013435217270300" + "10X").expires_on == dt.date(2027, 3, 31)
    assert scanning.read("9506000134352") is None
    assert scanning.read("SKU-00123456789012345") is None
    assert scanning.read("\x00" * 40) is None
    item = sku("MILK-1")
    Barcode.objects.create(sku=item, code="9506000134352")
    assert scanning.article("010950600013435217270331" + "10A12B") == "9506000134352"


# --- receiving -------------------------------------------------------------------------------------------------------


def test_a_delivery_comes_with_its_lots(milk, here):
    row = arrivals.announce(rows=[Expected(
        sku_id=milk.pk, warehouse_id=here.pk, quantity=D(10), expected_on=dt.date(2027, 1, 1)
    )])[0]  # fmt: skip
    assert refusal(lambda: arrivals.receive(arrival_id=row.pk, quantity=D(4), demand_lot=True)) == (
        "lot_missing", "lot",
    )  # fmt: skip
    arrivals.receive(arrival_id=row.pk, quantity=D(4), lot="A", expires_on="2027-03-31")
    arrivals.receive(arrival_id=row.pk, quantity=D(6), lot="A*1\nB*5 @ 2027-05-31")
    assert lots(milk, here) == {"A": D(5), "B": D(5)}
    assert Lot.objects.get(number="B").expires_on == dt.date(2027, 5, 31)
    assert apart() == []


def test_an_adjustment_names_its_lot_and_counts_one_lot(milk, here):
    come(milk, here, {"A": 5, "B": 5})
    adjust(warehouse_id=here.pk, lines=[Line(sku_id=milk.pk, change=D(-2), lot="B")], reason="damaged")
    adjust(warehouse_id=here.pk, lines=[Line(sku_id=milk.pk, counted=D(7), lot="A", expires_on="2027-03-31")],
           reason="correction")  # fmt: skip
    assert lots(milk, here) == {"A": D(7), "B": D(3)}
    adjust(warehouse_id=here.pk, lines=[Line(sku_id=milk.pk, counted=D(1), lot="A")], reason="correction")
    assert lots(milk, here) == {"A": D(1), "B": D(3)}
    assert refusal(lambda: adjust(
        warehouse_id=here.pk, lines=[Line(sku_id=milk.pk, change=D(2), lot="NEW")], reason="found"
    )) == ("expiry_missing", "lines[0].expires_on")  # fmt: skip
    assert apart() == []


# --- transfers: a lot split across them ------------------------------------------------------------------------------


def sent(item, origin, destination, pieces):
    made = planning.plan(
        origin=origin, destination=destination, lines=[Wish(sku_id=item.pk, quantity=D(pieces))], user=None
    )
    for step in (planning.request, picking.pick, picking.send):
        step(transfer_id=made.pk, user=None)
    return made


def came(transfer, good, damaged=0):
    rows = [receiving.Came(line_id=transfer.lines.get().pk, good=D(good), damaged=D(damaged))]
    receiving.receive(transfer_id=transfer.pk, came=rows, user=None)


def test_a_lot_split_across_two_transfers_arrives_as_what_left(milk, here, there):
    come(milk, here, {"A": 6, "B": 6})
    expires(milk, A=10, B=20)
    first, second = sent(milk, here, there, 4), sent(milk, here, there, 4)
    came(second, 1)
    assert lots(milk, there) == {"A": D(1)}
    came(first, 3, 1)
    came(second, 3)
    assert lots(milk, here) == {"B": D(4)}
    assert lots(milk, there) == {"A": D(5), "B": D(2)}
    assert apart() == []


def test_a_transfer_called_off_puts_its_own_lots_back(milk, here, there):
    come(milk, here, {"A": 3, "B": 5})
    expires(milk, A=10, B=20)
    first, second = sent(milk, here, there, 5), sent(milk, here, there, 2)
    picking.cancel(transfer_id=first.pk, user=None)
    assert lots(milk, here) == {"A": D(3), "B": D(3)}
    picking.cancel(transfer_id=second.pk, user=None)
    assert lots(milk, here) == {"A": D(3), "B": D(5)}


# --- blocked and expired ---------------------------------------------------------------------------------------------


def test_blocked_lots_are_a_term_of_their_own(milk, here):
    seller = shop(here)
    come(milk, here, {"A": 5, "B": 3})
    lot = Lot.objects.get(number="A")
    keeping.block(lot_id=lot.pk, reason="complaint")
    found = explain.why(shop_id=seller.pk, sku_id=milk.pk)
    assert [(term.code, term.amount, term.result) for term in found.terms[:2]] == [
        ("free", D(8), D(8)), ("unsellable", D(5), D(3)),
    ]  # fmt: skip
    assert found.quantity == D(3)
    assert found.places[0].unsellable == D(5)


def test_of_a_bundle_the_term_counts_bundles(milk, here):
    box = sku("BOX")
    stock(box, here, 10)
    pair, seller = bundle((milk, 2), (box, 1)), shop(here)
    come(milk, here, {"A": 4, "B": 6})
    keeping.block(lot_id=Lot.objects.get(number="A").pk, reason="complaint")
    figure = availability.figures(shop_ids=[seller.pk], sku_ids=[pair.pk])[seller.pk, pair.pk, None]
    assert figure.quantity == D(3)
    assert figure.inputs["terms"][1] == {"code": "unsellable", "amount": "2", "result": "3"}


def test_the_look_back_knows_what_was_blocked_then(milk, here):
    seller = shop(here)
    start = clock.now()

    def at(minutes):
        return start + dt.timedelta(minutes=minutes)

    with clock.moved_to(lambda: at(1)):
        come(milk, here, {"A": 5, "B": 3})
    with clock.moved_to(lambda: at(3)):
        keeping.block(lot_id=Lot.objects.get(number="A").pk, reason="complaint")
    with clock.moved_to(lambda: at(5)):
        keeping.unblock(lot_id=Lot.objects.get(number="A").pk, reason="fine")

    def then(minutes):
        key = (seller.pk, milk.pk, None)
        return availability.figures(shop_ids=[seller.pk], sku_ids=[milk.pk], at=at(minutes))[key].quantity

    assert [then(one) for one in (0, 2, 4, 6)] == [D(0), D(8), D(3), D(8)]


def test_blocking_tells_the_shops_and_says_why(milk, here):
    come(milk, here, {"A": 5})
    lot = Lot.objects.get()
    before = StockChange.objects.count()
    assert refusal(lambda: keeping.block(lot_id=lot.pk, reason="  "))[0] == "reason_missing"
    keeping.block(lot_id=lot.pk, reason="complaint", actor="user:1 li")
    assert StockChange.objects.count() == before + 1
    assert refusal(lambda: keeping.block(lot_id=lot.pk, reason="again"))[0] == "state_already"
    row = lot.blocks.get()
    assert (row.reason, row.blocked_by, row.opened_at) == ("complaint", "user:1 li", None)


def test_at_midnight_what_expires_is_found_once_and_told(milk, here):
    come(milk, here, {"A": 5})
    expires(milk, A=1)
    assert ageing.sweep() == 0
    before = StockChange.objects.count()
    tomorrow = clock.now() + dt.timedelta(days=2)
    with clock.moved_to(lambda: tomorrow):
        assert ageing.sweep() == 1
        assert ageing.sweep() == 0
    assert Balance.objects.get(sku=milk).unsellable == D(5)
    assert StockChange.objects.count() == before + 1


def test_another_expiry_date_counts_at_once(milk, here):
    come(milk, here, {"A": 5})
    keeping.correct(lot_id=Lot.objects.get().pk, expires_on=in_days(-1), made_on=None, supplier_reference="", note="")
    assert Balance.objects.get(sku=milk).unsellable == D(5)


def test_near_expiry_is_an_alert_by_the_days_of_its_rule(milk, here, there):
    come(milk, here, {"A": 5, "B": 2})
    come(milk, there, {"A": 1})
    expires(milk, A=20, B=40)
    told = sorted((one.warehouse_id, one.quantity) for one in watch.expiring(RuleBook()))
    assert told == sorted([(here.pk, D(5)), (there.pk, D(1))])
    StockAlertRule.objects.create(kind="expiring", sku=milk, warehouse=here, days=60)
    StockAlertRule.objects.create(kind="expiring", sku=milk, warehouse=there, days=10)
    told = [(one.warehouse_id, one.quantity, one.rule.days) for one in watch.expiring(RuleBook())]
    assert told == [(here.pk, D(7), 60)]


# --- picking ---------------------------------------------------------------------------------------------------------


def test_stops_of_one_list_share_one_shelf(milk, here):
    come(milk, here, {"A": 3, "B": 5, "BAD": 9})
    expires(milk, A=10, B=20, BAD=5)
    keeping.block(lot_id=Lot.objects.get(number="BAD").pk, reason="complaint")
    found = proposing.propose([(milk.pk, milk.tracking, D(2)), (milk.pk, milk.tracking, D(3))], here.pk)
    assert [[(one.number, one.quantity) for one in row] for row in found] == [
        [("A", D(2))], [("A", D(1)), ("B", D(2))],
    ]  # fmt: skip


# --- self-audit ------------------------------------------------------------------------------------------------------


def audited():
    run = runs.begin(actor="olga")
    runs.work_on(run.pk)
    return list(AuditFinding.objects.filter(state="open", kind="lots").order_by("pk"))


def repaired(finding):
    size = repairing.size_of(finding, repairing.preview(finding))
    return repairing.repair(finding_id=finding.pk, size=size, actor="olga", reason="tampered")


def test_the_audit_finds_and_repairs_a_lot_that_is_not_what_its_movements_say(milk, here):
    come(milk, here, {"A": 5, "B": 2})
    assert audited() == []
    LotBalance.objects.filter(lot__number="A").update(on_hand=3)
    (found,) = audited()
    assert (found.should_be, found.found, found.reference) == (
        D(5),
        D(3),
        f"inventory.lot:{Lot.objects.get(number='A').pk}",
    )
    made = repaired(found)
    assert lots(milk, here) == {"A": D(5), "B": D(2)}
    assert audited() == []
    repairing.undo(repair_id=made.pk, actor="olga")
    assert lots(milk, here)["A"] == D(3)


def test_the_audit_levels_lots_whose_movements_are_missing(milk, here):
    come(milk, here, {"A": 5})
    lot = Lot.objects.get()
    LotMovement.objects.create(key="x", lot=lot, sku=milk, warehouse=here, quantity=-2, reason="lost",
                               recorded_at=clock.now())  # fmt: skip
    LotBalance.objects.update(on_hand=3)
    (found,) = audited()
    assert (found.should_be, found.found, found.reference) == (D(5), D(3), "")
    repaired(found)
    assert lots(milk, here) == {"A": D(3), "": D(2)}
    assert apart() == []


# --- recall ----------------------------------------------------------------------------------------------------------


def test_a_recall_is_one_incident_that_names_the_lot(milk, here):
    come(milk, here, {"A": 5})
    go(milk, here, 2, "shipment", reference="orders.line:1")
    lot = Lot.objects.get()
    for _time in range(2):
        recall.raise_alarm(lot=lot, orders=1, reason="glass in it")
    one = Incident.objects.get(kind="lot_recall")
    assert one.target == f"inventory.lot:{lot.pk}"
    assert one.data["orders"] == 1


def test_a_recall_that_breaks_off_has_blocked_nothing_and_told_nobody(milk, here, monkeypatch):
    come(milk, here, {"A": 5})
    lot = Lot.objects.get()
    with monkeypatch.context() as broken_off:
        broken_off.setattr(recall.incidents, "report", lambda **fields: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            recall.begin(lot=lot, reason="glass in it", block=True)
    assert (Lot.objects.get().state, Incident.objects.filter(kind="lot_recall").count()) == ("open", 0)
    for _time in range(2):
        recall.begin(lot=Lot.objects.get(), reason="glass in it", block=True)
    assert (Lot.objects.get().state, Incident.objects.get(kind="lot_recall").data["orders"]) == ("blocked", 0)


def test_who_got_a_lot_is_read_no_further_than_it_is_shown(milk, here, rf, django_assert_num_queries, monkeypatch):
    come(milk, here, {"A": 9})
    for nth in range(9):
        go(milk, here, 1, "shipment", reference=f"orders.line:{nth}")
    monkeypatch.setattr(recall, "PAGE", 2)
    monkeypatch.setattr(recall, "_readers", {"all": lambda request, rows, clear: [one.reference for one in rows]})
    lot = Lot.objects.get()
    with django_assert_num_queries(2):
        assert recall.sent(rf.get("/"), lot, most=3) == ["orders.line:8", "orders.line:7", "orders.line:6"]
    assert len(recall.sent(rf.get("/"), lot)) == 9


def test_who_picks_a_transfer_may_name_the_lots(milk, here, there):
    come(milk, here, {"A": 6, "B": 6})
    expires(milk, A=10, B=20)
    made = planning.plan(origin=here, destination=there, lines=[Wish(sku_id=milk.pk, quantity=D(4))], user=None)
    planning.request(transfer_id=made.pk, user=None)
    line = made.lines.get()
    assert refusal(lambda: picking.pick(transfer_id=made.pk, user=None, lots={line.pk: "B*2\nA*1"})) == (
        "split_sum", "lines[0].lot",
    )  # fmt: skip
    picking.pick(transfer_id=made.pk, user=None, lots={line.pk: "B*3\nA*1"})
    assert lots(milk, here) == {"A": D(5), "B": D(3)}
    picking.send(transfer_id=made.pk, user=None)
    came(made, 4)
    assert lots(milk, there) == {"A": D(1), "B": D(3)}
    assert apart() == []


def test_the_unknown_lot_is_counted_and_written_off_like_any(milk, here):
    stock(milk, here, 5)
    come(milk, here, {"A": 2})
    adjust(warehouse_id=here.pk, lines=[Line(sku_id=milk.pk, counted=D(3), lot="?")], reason="correction")
    assert lots(milk, here) == {"": D(3), "A": D(2)}
    adjust(warehouse_id=here.pk, lines=[Line(sku_id=milk.pk, counted=D(4), lot="?")], reason="correction")
    adjust(warehouse_id=here.pk, lines=[Line(sku_id=milk.pk, change=D(-4), lot="?")], reason="damaged")
    assert lots(milk, here) == {"A": D(2)}
    assert apart() == []
