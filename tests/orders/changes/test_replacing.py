"""Exchange and reissue: an order of our own at zero for one that has left, made once, judged like any other."""

from decimal import Decimal

import pytest

from backoffice.models import AuditEntry
from finance.models import PostingRequest, Voucher
from finance.posting.worker import post_due
from orders.contracts import Buyer
from orders.desk import actions, correcting, replacing
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.intake import rematch, vanished
from orders.models import Order, OrderContact, PriceFloor
from tests.inventory.invariants import broken
from tests.orders.factories import NOW, Seller, later, line, order, refund

pytestmark = pytest.mark.django_db
WHO = "user:1 li"


@pytest.fixture
def seller():
    made = Seller(MUG=10, CUP=5)
    made.take(order(1, line("MUG", 2), currency="CNY"))
    shipping.ship(order_id=made.order(1).pk, parcels=[shipping.Parcel()], actor=WHO, idempotency_key="first")
    return made


def again(seller, kind="reissue", code="MUG", quantity="1", key="k", **more):
    goods = [replacing.Goods(seller.skus[code].pk, Decimal(quantity))]
    values = {"reason": "broken on the way", **more}
    taken = replacing.replace(order_id=seller.order(1).pk, kind=kind, goods=goods, actor=WHO, key=key, **values)
    return Order.objects.get(pk=taken.order_id)


def send(found, key="second"):
    return shipping.ship(order_id=found.pk, parcels=[shipping.Parcel()], actor=WHO, idempotency_key=key)[0]


def test_goods_are_sent_again_at_zero_and_pass_review_by_themselves(seller):
    found = again(seller)
    first = seller.order(1)
    assert (found.kind, found.origin, found.total, found.payment) == ("reissue", first, 0, "paid")
    assert (found.state, found.hold_code) == ("approved", "")
    assert list(first.followers.all()) == [found]
    assert found.number == f"R-{seller.shop.code}-00001"
    before, now = OrderContact.objects.get(order=first), OrderContact.objects.get(order=found)
    assert (now.shipping, now.email, now.buyer_name) == (before.shipping, before.email, before.buyer_name)
    assert replacing.reason_of(found) == "broken on the way"
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"order.reissue", "order.reissue_of"}


def test_it_is_no_duplicate_of_its_original_but_a_second_one_is_of_the_first(seller):
    again(seller, quantity="2")
    assert [again(seller, quantity="2", key="k2").hold_code] == ["duplicate"]


def test_it_stays_approved_when_it_is_judged_again(seller):
    found = again(seller, quantity="2")
    actions.hold(order_ids=[found.pk], actor=WHO, reason="wait")
    assert actions.release_hold(order_ids=[found.pk], actor=WHO)[0].ok
    found.refresh_from_db()
    assert found.state == "approved"


def test_any_other_order_at_zero_is_still_held(seller):
    seller.take(order(2, line("MUG", total=Decimal(0)), total=Decimal(0)))
    assert "total" in seller.findings(2)


def test_a_least_price_does_not_hold_what_is_free_on_purpose(seller):
    PriceFloor.objects.create(sku=seller.skus["MUG"], price=Decimal(5), updated_at=NOW)
    assert again(seller).state == "approved"


def test_once_a_click(seller):
    found = again(seller)
    assert again(seller) == found
    assert Order.objects.filter(kind="reissue").count() == 1
    assert again(seller, key="other").number == f"R-{seller.shop.code}-00002"


def test_its_parcel_costs_and_sells_nothing(seller):
    found = again(seller)
    send(found)
    post_due()
    request = PostingRequest.objects.order_by("-pk").first()
    assert (request.total, request.state) == (0, "posted")
    voucher = Voucher.objects.order_by("-pk").first()
    amounts = sorted(voucher.lines.values_list("debit", "credit"))
    assert amounts == [(0, 4), (4, 0)]
    assert seller.buckets("MUG") == (7, 0, 0)
    assert broken() == []


def test_an_exchange_may_cost_the_difference(seller):
    found = again(seller, kind="exchange", code="CUP", quantity="3", difference=Decimal("10"), paid=False)
    assert (found.total, found.payment, found.state) == (10, "pending", "unpaid")
    assert again(seller, kind="exchange", key="k2", difference=Decimal("5")).total == 5
    with pytest.raises(OrderError):
        again(seller, kind="reissue", key="k3", difference=Decimal(1))


def test_the_difference_is_what_its_parcel_sells(seller):
    found = again(seller, kind="exchange", code="CUP", quantity="3", difference=Decimal("10"))
    send(found)
    assert PostingRequest.objects.order_by("-pk").first().total == 10


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity"])
def test_a_difference_that_is_no_amount_is_refused(seller, amount):
    with pytest.raises(OrderError) as refused:
        again(seller, kind="exchange", difference=Decimal(amount))
    assert (refused.value.code, Order.objects.filter(kind="exchange").count()) == ("difference", 0)


def test_only_for_what_has_left_with_a_reason_and_goods(seller):
    seller.take(order(2, line("MUG"), buyer=Buyer(email="x@example.com")))
    goods = [replacing.Goods(seller.skus["MUG"].pk, Decimal(1))]
    for pk, chosen, reason, code in (
        (seller.order(2).pk, goods, "x", "not_sent_yet"),
        (seller.order(1).pk, goods, " ", "no_reason_given"),
        (seller.order(1).pk, [], "x", "nothing_chosen"),
        (seller.order(1).pk, [replacing.Goods(0, Decimal(1))], "x", "gift_unknown"),
        (seller.order(1).pk, [replacing.Goods(goods[0].sku_id, Decimal("-1"))], "x", "gift_quantity"),
    ):
        with pytest.raises(OrderError) as refused:
            replacing.replace(order_id=pk, kind="reissue", goods=chosen, reason=reason, actor=WHO, key="k")
        assert refused.value.code == code
    assert Order.objects.count() == 2


def test_it_goes_where_the_address_was_corrected_to(seller):
    contact = OrderContact.objects.get(order=seller.order(1))
    contact.shipping = {**contact.shipping, "line1": "1 Quai"}
    contact.save()
    assert OrderContact.objects.get(order=again(seller)).shipping["line1"] == "1 Quai"


def test_asked_for_by_somebody_who_may_not_decide_it_waits_for_the_desk(seller):
    found = again(seller, asked=True)
    assert (found.state, found.hold_code, found.hold_department) == ("held", "manual", "desk")
    assert found.hold_note == "broken on the way"


def test_too_little_in_stock_holds_it_like_any_other(seller):
    assert again(seller, code="CUP", quantity="9").hold_code == "short_stock"


def test_a_refund_of_the_original_leaves_it_alone(seller):
    found = again(seller)
    told = order(1, line("MUG", 2), currency="CNY")
    seller.take(later(told, refunds=(refund(1, "20", ("1", "2"), restock=True),)))
    found.refresh_from_db()
    assert found.state == "approved"
    assert broken() == []


def test_the_platform_not_knowing_it_is_no_news(seller):
    found = again(seller)
    assert vanished(shop_id=seller.shop.pk, external_ids=[found.external_id]) == 0
    rematch(shop_id=seller.shop.pk, sku_codes=["MUG"])
    assert Order.objects.get(pk=found.pk).state == "approved"


def test_nobody_outside_can_bring_an_order_that_looks_like_ours(seller):
    result = seller.result(order(3, line("MUG"), external_id="yiku:reissue:1:k"))
    assert (result.failed[0].error.code, result.failed[0].error.field) == ("reserved", "external_id")


def test_its_address_can_be_corrected_before_it_leaves(seller):
    found = again(seller)
    address = {**OrderContact.objects.get(order=found).shipping, "line1": "2 Quai"}
    assert correcting.correct_address(order_id=found.pk, address=address, actor=WHO).ok
