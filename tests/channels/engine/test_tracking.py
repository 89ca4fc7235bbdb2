"""Parcels and cancellations reach the platform once, whatever gets lost on the way."""

import pytest

from backoffice import outbox
from channels import pull, reruns, tracking
from channels.connectors.base import ConnectorError
from channels.models import NoticeState, OrderNotice, SyncError
from orders.desk import actions
from orders.fulfil.shipping import Parcel, ship
from orders.models import Order, OrderEventDelivery, OrderLine


def deliver():
    """Let the consumer have its news."""
    consumer = next(one for one in outbox.consumers("orders.OrderEventDelivery") if one.name == "tracking")
    outbox.work(consumer)


@pytest.fixture
def ordered(shop):
    """An approved order of two pieces."""
    shop.order_id = shop.front.buy(("A", 2))
    pull.run(shop.account.pk)
    shop.order = Order.objects.get()
    return shop


def sent(made, *parcels, key="k1"):
    """Ship parcels and let the news out."""
    ship(
        order_id=made.order.pk,
        parcels=parcels or [Parcel(carrier="DHL", tracking="T1")],
        actor="test",
        idempotency_key=key,
    )
    deliver()
    tracking.run(made.account.pk)


def test_a_parcel_is_reported_with_its_tracking_number(ordered):
    sent(ordered)
    parcel = ordered.front.parcels[0]
    line = OrderLine.objects.get()
    assert (parcel.order_id, parcel.carrier, parcel.tracking_number) == (ordered.order_id, "DHL", "T1")
    assert (parcel.lines, parcel.completes_order) == (((line.external_id, 2),), True)
    notice = OrderNotice.objects.get()
    assert (notice.state, notice.external_id) == (NoticeState.DONE, "p-T1")


def test_two_parcels_are_two_notices_and_the_last_one_completes(ordered):
    line = OrderLine.objects.get()
    sent(ordered, Parcel(lines={line.pk: 1}, tracking="T1"), Parcel(lines={line.pk: 1}, tracking="T2"))
    assert [(one.tracking_number, one.completes_order) for one in ordered.front.parcels] == [
        ("T1", False),
        ("T2", True),
    ]


def test_a_lost_answer_makes_no_second_parcel(ordered, later):
    ordered.front.fail("ship", ConnectorError("timeout", unknown=True), after=True)
    sent(ordered)
    assert OrderNotice.objects.get().state == NoticeState.UNKNOWN
    later(minutes=1)
    tracking.run(ordered.account.pk)
    notice = OrderNotice.objects.get()
    assert (len(ordered.front.parcels), notice.state, notice.already_known) == (1, NoticeState.DONE, True)


def test_the_same_news_twice_is_one_notice(ordered):
    sent(ordered)
    OrderEventDelivery.objects.update(state="due")
    deliver()
    assert OrderNotice.objects.count() == 1


def test_what_the_platform_refuses_waits_for_a_person_and_can_be_run_again(ordered):
    ordered.front.fail("ship", ConnectorError("no_such_carrier", permanent=True))
    sent(ordered)
    error = SyncError.objects.get()
    assert (OrderNotice.objects.get().state, error.kind, error.code) == (
        NoticeState.PARKED,
        "tracking",
        "no_such_carrier",
    )
    reruns.rerun(error_ids=[error.pk], actor="clerk")
    tracking.run(ordered.account.pk)
    assert len(ordered.front.parcels) == 1
    assert SyncError.objects.get().state == "resolved"


def test_too_many_lost_answers_are_parked_as_unknown(ordered, later):
    ordered.front.fail("ship", *[ConnectorError("timeout", unknown=True)] * tracking.MOST_ATTEMPTS)
    sent(ordered)
    for _ in range(tracking.MOST_ATTEMPTS):
        later(hours=2)
        tracking.run(ordered.account.pk)
    notice = OrderNotice.objects.get()
    assert (notice.state, notice.code) == (NoticeState.PARKED, "unknown_timeout")


def test_nothing_is_reported_while_writing_is_off(ordered):
    from channels import accounts

    accounts.hold_writes(because="test", actor="test")
    sent(ordered)
    assert (ordered.front.parcels, OrderNotice.objects.get().state) == ([], NoticeState.DUE)


def test_a_cancellation_here_is_told_and_one_from_there_is_not(ordered):
    actions.cancel(order_ids=[ordered.order.pk], actor="clerk", reason="buyer asked")
    deliver()
    tracking.run(ordered.account.pk)
    assert ordered.front.cancelled == [ordered.order_id]


def test_a_cancellation_from_the_platform_is_not_echoed(ordered):
    ordered.front.edit(ordered.order_id, cancelled=True)
    pull.run(ordered.account.pk)
    deliver()
    tracking.run(ordered.account.pk)
    assert Order.objects.get().state == Order.State.CANCELLED
    assert (ordered.front.cancelled, OrderNotice.objects.count()) == ([], 0)


def test_a_zombie_cannot_settle_what_its_successor_took(ordered):
    def overtaken():
        OrderNotice.objects.update(fence=999)

    ordered.front.meanwhile["ship"] = overtaken
    sent(ordered)
    assert OrderNotice.objects.get().state == NoticeState.SENDING
