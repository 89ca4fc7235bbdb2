"""Money for a return: what was paid and no more, once, whoever gives it."""

from decimal import Decimal

import pytest

from finance.models import PostingRequest
from orders.contracts import PaymentStatus
from orders.desk import replacing
from orders.models import Order, OrderEvent, PriceFloor, Refund, RefundLimit, Return, ReturnRefund
from orders.returns import amounts, deciding, exchange, limits, refunding
from tests.orders.factories import NOW, later, line, order, refund
from tests.orders.returns.conftest import ANN, WU
from tests.orders.returns.test_requesting import refused

pytestmark = pytest.mark.django_db
D = Decimal
LI = "user:8 li"


def propose(seller, found, amount="20", limit=None, **fields):
    """Want money back on the first line of a return."""
    row = found.lines.order_by("pk").first()
    lines = {row.pk: D(amount)} if amount is not None else {}
    return refunding.propose(
        return_id=found.pk, lines=fields.pop("lines", lines), limit=limit, actor=fields.pop("actor", ANN),
        key=fields.pop("key", seller.key()), **fields,
    )  # fmt: skip


def given(seller, found, amount="20", **fields) -> ReturnRefund:
    """Money given by hand."""
    money = propose(seller, found, amount, **fields)
    refunding.by_hand([money.pk])
    return refunding.given_by_hand(money_id=money.pk, actor=ANN)


@pytest.fixture
def back(seller):
    """Two mugs, paid 20.00, on an approved return."""
    seller.sent()
    seller.found = seller.rma()
    return seller


def state(money):
    money.refresh_from_db()
    return money.state


def test_the_suggestion_is_what_the_buyer_paid_for_the_pieces(seller):
    tea = line("MUG", 3, total=D("27.00"), discount=D("3.00"), tax=D("4.31"))
    seller.sent(1, tea, taxes_included=True, total=D("31.90"), shipping_total=D("4.90"))
    found = seller.rma(units="2")
    (one,) = amounts.suggested(found, found.lines.all())
    assert (one.units, one.amount, one.tax) == (2, D("18.00"), D("2.87"))
    assert amounts.shipping_left(found.order) == D("4.90")


def test_thirds_of_a_price_add_up_to_it(seller):
    seller.sent(1, line("MUG", 3, total=D("10.00"), unit_price=D("3.3333")))
    found = []
    for number in range(3):
        rma = seller.rma(units="1")
        (one,) = amounts.suggested(rma, rma.lines.all())
        found.append(one.amount)
        given(seller, rma, str(one.amount), key=f"g{number}")
    assert (sum(found), sorted(found)) == (D("10.00"), [D("3.33"), D("3.33"), D("3.34")])


def test_wanted_money_is_news_for_the_platform_and_counts_at_once(back):
    money = propose(back, back.found)
    assert (money.state, money.amount, money.content) == ("wanted", 20, [["1", "2", "20", "0"]])
    assert OrderEvent.objects.get(kind="refund_due").data == {"money": money.pk}
    assert amounts.standing(back.order(1)).left == 0


def test_the_same_click_twice_wants_it_once(back):
    assert propose(back, back.found, key="k") == propose(back, back.found, key="k")
    assert ReturnRefund.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "code"),
    [("0", "money_none"), ("-1", "money_odd"), ("20.01", "money_line"), ("1.005", "money_odd"), ("NaN", "money_odd"),
     ("1e15", "money_odd"), ("Infinity", "money_odd")],
)  # fmt: skip
def test_amounts_that_cannot_be_are_refused(back, amount, code):
    refused(code, propose, back, back.found, amount, deduction_reason="x")
    assert not ReturnRefund.objects.exists()


def test_never_more_than_was_paid_less_what_is_back(back):
    back.take(later(order(1, line("MUG", 2)), refunds=(refund(1, "15"),)))
    said = refused("money_over", propose, back, back.found, "20")
    assert (said.params["left"], said.params["paid"], said.params["back"]) == ("5", "20", "15")
    propose(back, back.found, "5", deduction_reason="given before")
    refused("money_over", propose, back, back.found, "1", deduction_reason="more")


def test_an_unpaid_order_has_nothing_to_give_back(seller):
    seller.take(order(1, line("MUG", 2)))
    found = seller.rma(units=None, goods=False)
    found.order.__class__.objects.filter(pk=found.order_id).update(payment=PaymentStatus.PENDING)
    refused("money_unpaid", propose, seller, found, None, extra=D(1))


def test_less_than_paid_takes_a_reason(back):
    refused("say_why", propose, back, back.found, "15")
    money = propose(back, back.found, "15", deduction_reason="scratched")
    assert (money.deducted, money.deduction_reason) == (5, "scratched")


def test_shipping_is_given_back_once(seller):
    seller.sent(1, line("MUG", 2), total=D("24.90"), shipping_total=D("4.90"))
    found = seller.rma()
    propose(seller, found, "20", shipping=D("4.90"))
    other = seller.rma(units=None, goods=False)
    refused("money_line", propose, seller, other, None, shipping=D("4.90"))


def test_above_the_limit_somebody_else_approves(back):
    money = propose(back, back.found, limit=D(5))
    assert money.state == "proposed"
    assert not OrderEvent.objects.filter(kind="refund_due").exists()
    refused("money_own", refunding.approve, money_id=money.pk, actor=ANN)
    refunding.approve(money_id=money.pk, actor=LI)
    assert state(money) == "wanted"
    refused("money_state", refunding.approve, money_id=money.pk, actor=WU)


def test_a_limit_in_another_currency_needs_a_rate(back):
    back.order(1).__class__.objects.update(base_total=D(150))
    assert limits.within(back.order(1), D(20), D(150))
    assert not limits.within(back.order(1), D(20), D("149.99"))
    back.order(1).__class__.objects.update(base_total=None)
    assert not limits.within(back.order(1), D(20), D(10**6))


def test_small_refunds_add_up_to_the_limit(back):
    back.order(1).__class__.objects.update(base_total=D(20))
    first = propose(back, back.found, "5", limit=D(8), deduction_reason="a")
    second = propose(back, back.found, "5", limit=D(8), deduction_reason="b")
    assert (first.state, second.state) == ("wanted", "proposed")


def test_roles_have_their_limits(people, back):
    assert limits.limit_of(people["customer_service"]) == 300
    assert limits.limit_of(people["owner"]) is None
    assert limits.limit_of(people["bookkeeper"]) is None
    RefundLimit.objects.all().delete()
    assert limits.limit_of(people["order_clerk"]) == 0


def test_money_given_by_hand_is_recorded_told_to_the_books_and_settles(back):
    back.receive(back.found)
    back.decide(back.found, ("restock", 2))
    given(back, back.found)
    made = Refund.objects.get()
    assert (made.amount, made.external_id) == (20, f"return:{ReturnRefund.objects.get().pk}")
    assert PostingRequest.objects.get(reference=made.reference).total == 20
    back.found.refresh_from_db()
    assert back.found.state == "settled"
    assert back.buckets("MUG") == (10, 0, 0)


def test_by_hand_twice_is_once(back):
    money = given(back, back.found)
    refused("money_state", refunding.given_by_hand, money_id=money.pk, actor=WU)
    assert Refund.objects.count() == 1


def test_the_platforms_record_of_money_given_by_hand_is_the_same_money(back):
    given(back, back.found)
    back.take(later(order(1, line("MUG", 2)), refunds=(refund(7, "20", ("1", "2")),)))
    assert [(one.external_id, one.amount) for one in Refund.objects.all()] == [("r7", 20)]
    assert Return.objects.count() == 1


@pytest.mark.parametrize("told", [True, False])
def test_the_platforms_refund_is_matched_and_not_counted_twice(back, told):
    money = propose(back, back.found)
    assert refunding.begin_sending(money.pk)
    if told:
        refunding.sent(money.pk, "r7")
        assert state(money) == "sent"
    back.take(later(order(1, line("MUG", 2)), refunds=(refund(7, "20", ("1", "2"), restock=True),)))
    assert state(money) == "done"
    assert (money.refund.external_id, Refund.objects.count(), Return.objects.count()) == ("r7", 1, 1)
    assert back.buckets("MUG") == (8, 0, 0)  # the goods come through the return
    assert amounts.standing(back.order(1)).back == 20


def test_money_that_is_given_already_is_never_sent(back):
    money = propose(back, back.found)
    back.take(later(order(1, line("MUG", 2)), refunds=(refund(7, "20", ("1", "2")),)))
    assert state(money) == "done"
    assert not refunding.begin_sending(money.pk)


def test_what_was_withdrawn_is_never_sent_and_free_again(back):
    money = propose(back, back.found)
    refused("say_why", refunding.withdraw, money_id=money.pk, actor=ANN, reason="")
    refunding.withdraw(money_id=money.pk, actor=ANN, reason="buyer keeps it")
    assert not refunding.begin_sending(money.pk)
    assert amounts.standing(back.order(1)).left == 20


def test_what_is_being_sent_cannot_be_withdrawn_or_taken_over(back):
    money = propose(back, back.found)
    refunding.begin_sending(money.pk)
    refused("money_state", refunding.withdraw, money_id=money.pk, actor=ANN, reason="x")
    refused("money_state", refunding.take_over, money_id=money.pk, actor=ANN)


def test_a_refund_over_there_nobody_asked_for_is_the_money_of_the_open_return(back):
    back.take(later(order(1, line("MUG", 2)), refunds=(refund(7, "20", ("1", "2")),)))
    back.found.refresh_from_db()
    assert back.found.refund.external_id == "r7"
    (one,) = amounts.suggested(back.found, back.found.lines.all())
    assert one.amount == 0
    back.receive(back.found)
    back.decide(back.found, ("restock", 2))
    back.found.refresh_from_db()
    assert back.found.state == "settled"


def test_money_only_settles_by_itself(seller):
    seller.take(order(1, line("MUG", 2)))
    found = seller.rma(units=None, goods=False)
    given(seller, found, None, extra=D(3))
    found.refresh_from_db()
    assert found.state == "settled"


def test_a_return_with_money_under_way_is_not_closed(back):
    propose(back, back.found)
    refused("money_first", deciding.close, return_id=back.found.pk, actor=ANN, reason="x")


def test_a_line_of_another_return_gets_no_money_here(back):
    back.sent(2)
    other = back.rma(2)
    refused("unknown_line", propose, back, back.found, lines={other.lines.get().pk: D(1)})


def test_an_exchange_is_a_new_order_at_zero_once(back):
    made = exchange.exchange(back.found.pk, actor=ANN)
    assert (made.total, made.state, made.hold_code) == (0, "approved", "")
    assert (made.kind, made.origin, replacing.reason_of(made)) == ("exchange", back.found.order, back.found.number)
    assert [(one.sku.code, one.quantity) for one in made.lines.all()] == [("MUG", 2)]
    assert back.buckets("MUG") == (8, 0, 2)
    refused("exchanged", exchange.exchange, back.found.pk, actor=ANN)
    back.receive(back.found)
    back.decide(back.found, ("restock", 2))
    back.found.refresh_from_db()
    assert back.found.state == "settled"


def test_an_exchange_for_something_else_and_for_nothing(back):
    refused("unknown_sku", exchange.exchange, back.found.pk, [("NOPE", D(1))], ANN)
    refused("bad_quantity", exchange.exchange, back.found.pk, [("CUP", D(0))], ANN)
    made = exchange.exchange(back.found.pk, [("CUP", D(1))], ANN)
    assert [(one.sku.code, one.quantity) for one in made.lines.all()] == [("CUP", 1)]


def test_an_exchange_the_desk_refuses_leaves_nothing_behind(back):
    Order.objects.filter(pk=back.found.order_id).update(shipped_at=None)
    refused("exchange_failed", exchange.exchange, back.found.pk, actor=ANN)
    assert not Order.objects.exclude(kind="").exists()
    back.found.refresh_from_db()
    assert back.found.exchange_order_id is None


def test_neither_a_duplicate_nor_a_least_price_holds_an_exchange(back):
    PriceFloor.objects.create(sku=back.skus["MUG"], price=D(5), updated_at=NOW)
    assert exchange.exchange(back.found.pk, actor=ANN).state == "approved"


def test_an_exchange_of_goods_that_are_out_waits_as_any_order(back):
    back.take(order(9, line("MUG", 8)))
    made = exchange.exchange(back.found.pk, actor=ANN)
    assert (made.state, back.buckets("MUG")) == ("held", (8, 2, 8))
