"""Orders together, in several parcels, with gifts and sent again: what each role sees and what a button does."""

import dataclasses
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import Access
from orders.desk import actions, gifts, merging
from orders.fulfil import planned, shipping
from orders.models import Gift, MergeGroup, Order, OrderPart
from tests.inventory import factories as stock
from tests.orders.changes.looking import ANA, client_of
from tests.orders.factories import LYON, line, order

pytestmark = pytest.mark.django_db


def press(client, found: Order, **fields) -> str:
    return client.post(reverse("admin:orders_order_do", args=[found.pk]), fields, follow=True).content.decode()


def look(client, found: Order) -> str:
    return client.get(reverse("admin:orders_order_change", args=[found.pk])).content.decode()


def group_do(client, **fields):
    return client.post(reverse("admin:orders_mergegroup_do", args=[MergeGroup.objects.get().pk]), fields, follow=True)


def together(seller) -> MergeGroup:
    merging.merge(order_ids=[seller.order(n).pk for n in (1, 2)], actor="x")
    return MergeGroup.objects.get()


def send(seller, number=1):
    shipping.ship(order_id=seller.order(number).pk, parcels=[shipping.Parcel()], actor="x", idempotency_key="sent")


# --- together --------------------------------------------------------------------------------------------------------


def test_candidates_are_put_together_on_the_orders_page_and_shipped_from_there(clerk, seller):
    one, two = seller.order(1), seller.order(2)
    assert "Could be sent together" in look(clerk, one)
    assert "2 orders go together." in press(clerk, one, do="merge", **{"with": [two.pk]})
    for _twice in range(2):
        page = group_do(clerk, do="ship", carrier="SF", tracking="SF1", once="k", back=one.pk).content.decode()
    assert "2 orders left in one parcel." in page
    assert {seller.order(n).state for n in (1, 2)} == {"shipped"}
    assert one.shipments.count() == 1


def test_the_page_says_why_not_and_that_the_parcel_waits_for_a_held_order(clerk, seller):
    seller.take(order(3, line("MUG"), buyer=ANA, shipping=dataclasses.replace(LYON, line1="1 Quai")))
    assert "goes to another address than #1001" in look(clerk, seller.order(1))
    together(seller)
    actions.hold(order_ids=[seller.order(2).pk], actor="x", reason="ask")
    page = look(clerk, seller.order(1))
    assert "Held: #1002. The whole parcel waits" in page
    assert "Ship all of it in one parcel" not in page


def test_many_on_the_list_each_say_what_became_of_them(clerk, seller):
    seller.take(order(3, line("MUG")))
    fields = {"action": "send_together", "_selected_action": [seller.order(n).pk for n in (1, 2, 3)]}
    page = clerk.post(reverse("admin:orders_order_changelist"), fields, follow=True).content.decode()
    assert "2 orders go together." in page
    assert "Order #1003 is of another buyer than #1001." in page


def test_suggestions_put_sets_together(clerk, seller):
    address = reverse("admin:orders_mergegroup_suggestions")
    page = clerk.get(address)
    ids = [one["order"].pk for each in page.context["sets"] for one in each["orders"]]
    assert ids == [seller.order(n).pk for n in (1, 2)]
    assert "Müller" not in page.content.decode()
    assert "2 orders go together." in clerk.post(address, {"order": ids}, follow=True).content.decode()
    assert "Nothing to put together" in clerk.get(address).content.decode()


def test_a_group_is_taken_apart_on_its_page(clerk, seller):
    group = together(seller)
    assert "1 order taken out." in group_do(clerk, do="unmerge", order=seller.order(1).pk).content.decode()
    group.refresh_from_db()
    assert group.state == "ended"


def test_the_warehouse_sees_and_ships_groups_but_makes_none(people, seller):
    group, packer = together(seller), client_of(people, "warehouse_clerk")
    page = packer.get(reverse("admin:orders_mergegroup_change", args=[group.pk])).content.decode()
    assert "#1002" in page
    assert "Take out" not in page
    assert group_do(packer, do="unmerge").status_code == 403
    assert packer.get(reverse("admin:orders_mergegroup_suggestions")).status_code == 403
    group_do(packer, do="ship", carrier="SF", tracking="1", once="k")
    assert seller.order(1).state == "shipped"


def test_whoever_does_not_see_a_shop_sees_no_group_with_its_orders(people, seller):
    group = together(seller)
    access = Access.objects.create(user=people["order_clerk"], all_warehouses=True)
    access.shops.add(stock.shop(seller.place))
    client = people.client("order_clerk")
    assert "#1001" not in client.get(reverse("admin:orders_mergegroup_changelist")).content.decode()
    assert group_do(client, do="unmerge").status_code == 404
    client.post(reverse("admin:orders_mergegroup_suggestions"), {"order": [seller.order(1).pk]})
    assert merging.active(group)[0].order == seller.order(1)


# --- parcels and gifts -----------------------------------------------------------------------------------------------


def test_an_order_is_split_sent_and_put_back_on_its_page(clerk, seller):
    found, (mug,) = seller.order(1), seller.lines(1)
    assert "Planned as several parcels." in press(clerk, found, do="split_plan", **{f"later_{mug.pk}": "1"})
    first, last = OrderPart.objects.order_by("number")
    for _twice in range(2):
        press(clerk, found, do="ship_part", part=first.pk, carrier="SF", tracking="1", once="k")
    assert (seller.order(1).state, found.shipments.count()) == ("partly_shipped", 1)
    press(clerk, found, do="part_dates", part=last.pk, ship_after="2026-12-24T08:00", ship_by="2026-12-24T07:00")
    last.refresh_from_db()
    assert last.ship_after is None
    press(clerk, found, do="part_dates", part=last.pk, ship_after="2026-12-24T08:00", ship_by="2026-12-24T09:00")
    last.refresh_from_db()
    assert last.ship_after is not None
    assert "goes as one parcel again" in press(clerk, found, do="split_undo")
    assert [part for part, _lines in planned.plan_of(found)] == [first]


def test_nonsense_in_the_figures_is_said_not_raised(clerk, seller):
    found, (mug,) = seller.order(1), seller.lines(1)
    for text in ("NaN", "two\0", "1e9"):
        assert "choose some of its lines" in press(clerk, found, do="split_plan", **{f"later_{mug.pk}": text})
    assert "number above zero" in press(clerk, found, do="gift", code="CUP", quantity="x")
    assert "no such SKU" in press(clerk, found, do="gift", code="nope\0")
    assert (OrderPart.objects.count(), Gift.objects.count()) == (0, 0)


def test_a_gift_is_added_shown_and_taken_out(clerk, seller):
    found = seller.order(1)
    assert "The gift is in the order." in press(
        clerk, found, do="gift", code="cup", quantity="1", reason="<b>loyal</b>"
    )
    page = look(clerk, found)
    assert "&lt;b&gt;loyal&lt;/b&gt;" in page
    assert "Gift added" in page
    assert "has this gift already" in press(clerk, found, do="gift", code="CUP", quantity="1")
    assert "The gift is taken out" in press(clerk, found, do="gift_out", gift=Gift.objects.get().pk)
    assert seller.buckets("CUP") == (50, 0, 3)


def test_customer_service_neither_splits_nor_gives(people, seller):
    client = client_of(people, "customer_service")
    for do in ("merge", "split_plan", "gift", "gift_out", "split_undo", "ship_part"):
        address = reverse("admin:orders_order_do", args=[seller.order(1).pk])
        assert client.post(address, {"do": do}).status_code == 403


def test_the_page_of_an_order_asks_a_fixed_number_of_questions(clerk, seller):
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            look(clerk, seller.order(1))
        return len(seen)

    gifts.add(order_ids=[seller.order(1).pk], sku_id=seller.skus["CUP"].pk, quantity=Decimal(1), actor="x")
    asked()
    few = asked()
    seller.take(*(order(n, line("MUG"), buyer=ANA) for n in range(10, 18)))
    gifts.add(order_ids=[seller.order(1).pk], sku_id=seller.skus["MUG"].pk, quantity=Decimal(1), actor="x")
    assert asked() == few


# --- again -----------------------------------------------------------------------------------------------------------


def replace(client, seller, **fields):
    address = reverse("admin:orders_ownorder_replace", args=[seller.order(1).pk])
    return client.post(address, {"kind": "reissue", "reason": "lost", "once": "k", **fields}, follow=True)


def test_goods_are_sent_again_once_a_click_and_linked_both_ways(clerk, seller):
    send(seller)
    for _twice in range(2):
        page = replace(clerk, seller, **{f"quantity_{seller.lines(1)[0].pk}": "1"}).content.decode()
    found = Order.objects.get(kind="reissue")
    assert "This was made already" in page
    assert "#1001" in look(clerk, found)
    assert found.number in look(clerk, seller.order(1))


def test_customer_service_asks_and_the_desk_decides(people, seller):
    send(seller)
    fields = {"kind": "exchange", "more_code": ["cup"], "more_quantity": ["2"], "difference": "3"}
    page = replace(client_of(people, "customer_service"), seller, **fields).content.decode()
    found = Order.objects.get(kind="exchange")
    assert (found.state, found.total) == ("held", 3)
    assert "The order desk has to let it go" in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": ""}, "Say why"),
        ({"quantity": "0"}, "Choose the goods to send."),
        ({"quantity": "x"}, "number above zero"),
        ({"difference": "NaN", "kind": "exchange"}, "zero or more"),
        ({"more_code": ["none"]}, "no such SKU"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_made(clerk, seller, fields, told):
    send(seller)
    values = {f"quantity_{seller.lines(1)[0].pk}": fields.get("quantity", "1"), **fields}
    assert told in replace(clerk, seller, **values).content.decode()
    assert not Order.objects.exclude(kind="").exists()
