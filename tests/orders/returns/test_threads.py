"""Real threads on PostgreSQL: two clerks at one return, a refund here while the platform tells of one."""

from decimal import Decimal

import pytest

from orders.models import Refund, Return, ReturnDecision, ReturnRefund
from orders.returns import amounts, inspecting, refunding
from orders.returns.errors import ReturnError
from tests.inventory.invariants import broken
from tests.inventory.threads import together
from tests.orders.factories import later, line, order, refund
from tests.orders.returns.conftest import ANN, WU, Returns

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
D = Decimal


@pytest.fixture
def back(transactional_db):
    """Two mugs, 20.00, on an approved return."""
    seller = Returns(MUG=10)
    seller.sent()
    seller.found = seller.rma()
    return seller


def codes(results):
    return sorted(one.code if isinstance(one, ReturnError) else "done" for one in results)


def quiet(work):
    """Run it; a refusal is the answer."""

    def run():
        try:
            return work()
        except ReturnError as refused:
            return refused

    return run


@pytest.mark.parametrize("turn", range(3))
def test_two_clerks_inspect_one_return(back, turn):
    back.receive(back.found)
    row = back.found.lines.get()

    def inspect(actor, verdict):
        choice = inspecting.Choice(line_id=row.pk, verdict=verdict, units=D(2), reason="x")
        return quiet(
            lambda: inspecting.decide(
                return_id=back.found.pk, choices=[choice], actor=actor, key=actor, seen={row.pk: D(2)}
            )
        )

    results = together(inspect(ANN, "restock"), inspect(WU, "scrap"))
    assert codes(results) in (["decided_by", "done"], ["done", "state"])
    assert ReturnDecision.objects.count() == 1
    assert broken() == []


def test_the_same_parcel_counted_by_two(back):
    results = together(
        quiet(lambda: back.receive(back.found, 1, tracking="P1", key="a")),
        quiet(lambda: back.receive(back.found, 1, tracking="P1", key="b")),
    )
    assert codes(results) == ["done", "parcel_twice"]
    assert back.found.lines.get().received_quantity == 1


def test_money_wanted_by_two_at_once_is_never_more_than_was_paid(back):
    row = back.found.lines.get()

    def want(key):
        return quiet(
            lambda: refunding.propose(
                return_id=back.found.pk, lines={row.pk: D(15)}, limit=None, actor=ANN, key=key, deduction_reason="x"
            )
        )

    results = together(want("a"), want("b"), want("c"))
    assert codes(results).count("done") == 1
    assert sum(one.amount for one in ReturnRefund.objects.all()) == 15


def test_a_refund_given_by_hand_while_the_platform_tells_of_it_is_one(back):
    row = back.found.lines.get()
    money = refunding.propose(return_id=back.found.pk, lines={row.pk: D(20)}, limit=None, actor=ANN, key="m")
    refunding.take_over(money_id=money.pk, actor=ANN)
    version = later(order(1, line("MUG", 2)), refunds=(refund(7, "20", ("1", "2")),))
    together(quiet(lambda: refunding.given_by_hand(money_id=money.pk, actor=ANN)), lambda: back.take(version))
    assert [(one.external_id, one.amount) for one in Refund.objects.all()] == [("r7", 20)]
    money.refresh_from_db()
    assert (money.state, Return.objects.count()) == ("done", 1)
    assert amounts.standing(back.order(1)).back == 20
