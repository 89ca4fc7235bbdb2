"""Orders that wait too long become incidents, once, and those close by themselves."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import clock
from backoffice.incidents import kinds
from backoffice.models import Incident
from orders.desk import troubles
from orders.fulfil import shipping
from orders.models import Order
from orders.returns import deciding, limits, refunding, requesting
from tests.orders import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return factories.Seller(A=1)


def hours_later(hours, work=troubles.look):
    now = clock.now() + dt.timedelta(hours=hours)
    with clock.moved_to(lambda: now):
        work()


def found():
    return list(Incident.objects.order_by("pk").values_list("kind", "state", "count"))


def test_an_order_without_goods_is_a_shortage_after_the_hours_and_gone_with_the_goods(world):
    world.take(factories.order(1, factories.line("A", "3")))
    order = world.order(1)
    assert order.hold_code == "short_stock"
    hours_later(7)
    assert found() == []
    hours_later(9)
    hours_later(10)
    assert found() == [("shortage", "open", 1)]
    row = Incident.objects.get()
    assert (row.target, row.shop_id, row.department, row.data["goods"]) == (
        f"orders.order:{order.pk}",
        order.shop_id,
        "buying",
        ["A"],
    )
    assert kinds.sentence_of(row.kind, row.data) == f"Order {order.number} waits for goods: A."
    Order.objects.filter(pk=order.pk).update(state="approved", hold_code="", held_since=None, hold_until=None)
    hours_later(11)
    assert found() == [("shortage", "gone", 1)]


def test_an_order_approved_without_all_its_goods_is_a_shortage_too(world):
    world.take(factories.order(1, factories.line("A", "3")))
    order = world.order(1)
    Order.objects.filter(pk=order.pk).update(state="approved", hold_code="", held_since=None, approved_at=clock.now())
    hours_later(9)
    row = Incident.objects.get()
    assert (row.kind, row.data["approved"], row.data["goods"]) == ("shortage", True, ["A"])


def test_an_address_nobody_mends_is_an_incident_of_customer_service(world):
    world.take(factories.order(1, factories.line("A")))
    order = world.order(1)
    Order.objects.filter(pk=order.pk).update(
        state="held", hold_code="address", held_since=clock.now(), hold_department="service"
    )
    hours_later(3)
    assert found() == []
    hours_later(5)
    row = Incident.objects.get()
    assert (row.kind, row.department, row.key) == ("bad_address", "service", f"order:{order.pk}")
    Order.objects.filter(pk=order.pk).update(hold_code="manual")
    hours_later(6)
    assert found() == [("bad_address", "gone", 1)]


def test_looking_costs_the_same_for_few_and_many_orders(world, django_assert_max_num_queries):
    world.take(*[factories.order(number, factories.line("A", "3")) for number in range(1, 21)])
    with django_assert_max_num_queries(64):
        hours_later(9)
    assert Incident.objects.filter(kind="shortage").count() == 20
    with django_assert_max_num_queries(28):
        hours_later(9)


# --- writing to the buyer --------------------------------------------------------------------------------------------


@pytest.fixture
def written(world, people):
    from inventory.models import Access

    world.take(factories.order(1, factories.line("A")))
    Access.objects.create(user=people["customer_service"], all_shops=True, all_warehouses=True)
    return world.order(1), people.client("customer_service")


def test_a_clerk_writes_to_the_buyer_from_the_orders_page_once(written):
    from django.urls import reverse

    from backoffice.models import MessageTemplate, OutgoingMessage

    order, client = written
    order.contact.email = "mary@shop.example"
    order.contact.save()
    template = MessageTemplate.objects.get(code="late-email")
    page = reverse("admin:orders_order_change", args=[order.pk])
    assert "Messages to the buyer" in client.get(page).content.decode()
    do = reverse("admin:orders_order_do", args=[order.pk])
    form = {"do": "write_buyer", "template": template.pk, "once": "form-1"}
    for _ in range(2):
        client.post(do, form)
    row = OutgoingMessage.objects.get()
    assert (row.to, row.reference, row.shop_id, row.template, row.state) == (
        "mary@shop.example",
        f"orders.order:{order.pk}",
        order.shop_id,
        template,
        "queued",
    )
    assert order.number in row.subject
    assert order.contact.buyer_name in row.body
    assert "{{" not in row.body
    again = client.post(do, {**form, "once": "form-2"}, follow=True).content.decode()
    assert "went to this order 24 hours ago or less" in again
    client.post(do, {**form, "once": "form-3", "forced": "on"})
    assert OutgoingMessage.objects.count() == 2


def test_without_an_address_nothing_is_queued_and_a_platform_message_waits_for_a_hand(written):
    from backoffice.messages.queueing import MessageError
    from backoffice.models import MessageTemplate, OutgoingMessage
    from orders.desk import letters

    order, _client = written
    order.contact.email = ""
    order.contact.save()
    with pytest.raises(MessageError, match="no address to write to"):
        letters.write(order=order, template=MessageTemplate.objects.get(code="late-email"), actor="x", key="a")
    assert not OutgoingMessage.objects.exists()
    template = MessageTemplate.objects.get(code="address-platform")
    row = letters.write(order=order, template=template, actor="x", key="b")
    assert (row.state, row.channel) == ("by_hand", "platform")


def test_the_orders_page_names_its_incidents(written, people):
    from django.urls import reverse

    from backoffice import incidents

    order, client = written
    incidents.report(
        kind="shortage", key=f"order:{order.pk}", target=f"orders.order:{order.pk}", data={"number": order.number}
    )
    shown = client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert f"Order {order.number} waits for goods" in shown


def expected_return(world):
    limits.seed()
    world.take(factories.order(1, factories.line("A")))
    found = world.order(1)
    shipping.ship(order_id=found.pk, parcels=[shipping.Parcel()], actor="x", idempotency_key="s")
    made = requesting.open_return(order_id=found.pk, lines={world.lines(1)[0].pk: Decimal(1)}, actor="x", key="r")
    return deciding.approve(return_id=made.pk, actor="x")


def test_a_return_that_is_overdue_is_a_return_problem_until_it_is_here(world):
    made = expected_return(world)
    hours_later(24 * 13)
    assert found() == []
    hours_later(24 * 15)
    hours_later(24 * 16)
    assert found() == [("return_problem", "open", 1)]
    row = Incident.objects.get()
    assert (row.key, row.target, row.shop_id) == (
        f"return:{made.pk}", f"orders.order:{made.order_id}", world.shop.pk,
    )  # fmt: skip
    assert kinds.sentence_of(row.kind, row.data).startswith(f"Return {made.number} of order #1001 was expected by ")
    deciding.cancel(return_id=made.pk, actor="x", reason="keeps it")
    hours_later(24 * 16)
    assert found() == [("return_problem", "gone", 1)]


def test_a_refund_the_platform_refused_is_a_return_problem_until_it_is_given(world):
    made = expected_return(world)
    row = made.lines.get()
    money = refunding.propose(return_id=made.pk, lines={row.pk: Decimal(10)}, actor="x", key="m", limit=None)
    hours_later(1)
    refunding.by_hand([money.pk])  # a shop without a platform: work, not trouble
    hours_later(1)
    assert found() == []
    refunding.try_again([money.pk])
    refunding.by_hand([money.pk], "100 % refunded already")
    hours_later(1)
    assert found() == [("return_problem", "open", 1)]
    told = kinds.sentence_of("return_problem", Incident.objects.get().data)
    assert told == (
        f"The platform did not give back 10 EUR for return {made.number} of order #1001: 100 % refunded already"
    )
    refunding.given_by_hand(money_id=money.pk, actor="x")
    hours_later(1)
    assert found() == [("return_problem", "gone", 1)]
