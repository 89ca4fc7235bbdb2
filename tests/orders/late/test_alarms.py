"""Late orders on the incident desk: they come, get worse and go; what a person resolved returns only when worse."""

import pytest

from backoffice.incidents import desk
from backoffice.incidents.kinds import kind_of, sentence_of
from backoffice.models import Incident, IncidentCause
from orders.fulfil import shipping
from orders.late import alarms
from tests.orders.factories import Seller, line, order
from tests.orders.late.build import HOUR, LI, cause, due_in, policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    made = Seller(MUG=9)
    made.take(*(order(n, line("MUG")) for n in (1, 2, 3)))
    for number, hours in ((1, -1), (2, 3), (3, 30)):
        due_in(made.order(number), hours)
    return made


def desk_rows() -> list[tuple[str, str, str]]:
    rows = Incident.objects.order_by("id")
    return [(one.data["number"], one.severity, one.state) for one in rows]


def test_late_and_soon_late_orders_come_and_those_that_have_left_go(seller):
    assert alarms.sound() == (2, 0)
    assert desk_rows() == [("#1001", "high", "open"), ("#1002", "normal", "open")]
    first = Incident.objects.get(severity="high")
    assert (first.department, first.shop_id, first.target) == (
        "warehouse", seller.shop.pk, f"orders.order:{seller.order(1).pk}"
    )  # fmt: skip
    assert sentence_of("late", first.data) == "Order #1001 should have left."
    assert alarms.sound() == (0, 0)
    shipping.ship(order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor="x", idempotency_key="k")
    assert alarms.sound() == (0, 1)
    assert desk_rows() == [("#1001", "high", "gone"), ("#1002", "normal", "open")]


def test_it_gets_worse_as_time_passes(seller, watch):
    alarms.sound()
    watch.on(4 * HOUR)
    alarms.sound()
    assert desk_rows() == [("#1001", "high", "open"), ("#1002", "high", "open")]
    watch.on(22.5 * HOUR)
    alarms.sound()
    assert [severity for _number, severity, _state in desk_rows()] == ["critical", "high", "normal"]
    assert sentence_of("late", Incident.objects.first().data) == "Order #1001 is late by more than a day."


def test_what_a_person_resolved_comes_back_only_when_it_is_worse(seller, watch):
    alarms.sound()
    late = Incident.objects.get(severity="high")
    desk.resolve(incident=late, cause=cause(), done="the buyer knows", actor=LI)
    assert alarms.sound() == (0, 0)
    watch.on(23.5 * HOUR)
    alarms.sound()
    assert ("#1001", "critical", "reopened") in desk_rows()


def test_the_hours_before_are_those_of_the_shop(seller):
    policy(seller.shop, soon_hours=40)
    assert alarms.sound() == (3, 0)


def test_it_takes_as_many_questions_for_many_as_for_few(seller, django_assert_max_num_queries):
    seller.add("MUG", 99)
    seller.take(*(order(n, line("MUG"), ship_by=None) for n in range(10, 60)))
    seller.shop.orders.update(due_at=due_in(seller.order(1), -1).due_at)
    with django_assert_max_num_queries(60):
        assert alarms.sound() == (53, 0)


def test_the_kind_has_its_causes_and_its_clock():
    assert (kind_of("late").department, kind_of("late").acknowledge_minutes) == ("warehouse", 60)
    codes = set(IncidentCause.objects.filter(kind="late").values_list("code", flat=True))
    assert codes >= {
        "count_wrong",
        "supplier_late",
        "carrier",
        "picked_late",
        "address",
        "platform",
        "oversold",
        "holiday",
    }
