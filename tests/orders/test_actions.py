"""What clerks do with orders: each row told, one winner, everything on record."""

import pytest

from backoffice.models import AuditEntry
from orders.contracts import PaymentStatus
from orders.desk import actions
from orders.models import OrderEvent, ReviewLog
from tests.orders.factories import Seller, at, later, line, order

pytestmark = pytest.mark.django_db
LI, WU = "user:1 li", "user:2 wu"


def held(seller, number=1, quantity=1, **fields):
    """An order held for a wish in its note."""
    seller.take(order(number, line("MUG", quantity), buyer_note="gift wrap please", **fields))
    return seller.order(number)


def one(outcomes):
    (outcome,) = outcomes
    return outcome


def test_approving_reserves_and_records_who_and_why():
    seller = Seller(MUG=5)
    found = held(seller, quantity=2)
    outcome = one(actions.approve(order_ids=[found.pk], actor=LI, reason="no extra cost"))
    found.refresh_from_db()
    assert (outcome.ok, found.state, found.hold_code, found.held_since) == (True, "approved", "", None)
    assert seller.buckets("MUG") == (5, 0, 2)
    log = ReviewLog.objects.get(order=found)
    assert (log.person_verdict, log.person, log.person_reason) == ("approved", LI, "no extra cost")
    entry = AuditEntry.objects.get(target=f"orders.order:{found.pk}")
    assert (entry.action, entry.actor, entry.before["state"], entry.after["state"]) == (
        "order.approve",
        LI,
        "held",
        "approved",
    )


def test_the_second_click_is_told_who_was_first():
    seller = Seller(MUG=5)
    found = held(seller)
    actions.approve(order_ids=[found.pk], actor=LI)
    outcome = one(actions.approve(order_ids=[found.pk], actor=WU))
    assert (outcome.ok, outcome.code) == (False, "already")
    assert "li" in outcome.message
    assert seller.buckets("MUG") == (5, 0, 1)


def test_approving_what_was_cancelled_says_so():
    seller = Seller(MUG=5)
    found = held(seller)
    actions.cancel(order_ids=[found.pk], actor=WU, reason="buyer called")
    outcome = one(actions.approve(order_ids=[found.pk], actor=LI))
    assert (outcome.ok, outcome.code) == (False, "wrong_state")
    assert "wu" in outcome.message
    assert seller.buckets("MUG") == (5, 0, 0)


def test_approving_names_all_that_is_missing_and_reserves_nothing():
    seller = Seller(MUG=1, CUP=0)
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2), buyer_note="urgent"))
    outcome = one(actions.approve(order_ids=[seller.order(1).pk], actor=LI))
    assert (outcome.code, seller.order(1).state) == ("short_stock", "held")
    assert "MUG 1 / 2" in outcome.message and "CUP 0 / 1" in outcome.message  # noqa: PT018
    assert seller.buckets("MUG") == (1, 2, 0)


@pytest.mark.parametrize(("code", "reason"), [("WHAT", "unmatched"), ("EMPTY", "bundle_without_parts")])
def test_what_cannot_be_sent_cannot_be_approved(code, reason):
    from tests.inventory import factories as stock

    seller = Seller(MUG=5)
    stock.bundle(code="EMPTY")
    seller.take(order(1, line(code)))
    outcome = one(actions.approve(order_ids=[seller.order(1).pk], actor=LI))
    assert (outcome.ok, outcome.code) == (False, reason)
    assert code in outcome.message


def test_an_unpaid_order_and_one_with_an_edit_waiting_are_refused():
    seller = Seller(MUG=5)
    first = order(2, line("MUG"))
    seller.take(order(1, line("MUG"), payment=PaymentStatus.PENDING), first)
    seller.take(later(first, buyer_note="please hurry"))
    ids = [seller.order(1).pk, seller.order(2).pk]
    assert [row.code for row in actions.approve(order_ids=ids, actor=LI)] == ["unpaid", "edit_waiting"]


def test_an_unknown_order_is_told_too():
    outcome = one(actions.approve(order_ids=[987654], actor=LI))
    assert (outcome.ok, outcome.code, outcome.message) == (False, "not_found", "This order does not exist.")


def test_five_hundred_orders_for_three_hundred_pieces(django_assert_max_num_queries):
    seller = Seller(MUG=300)
    for start in range(0, 500, 100):
        seller.take(*(order(n, line("MUG"), buyer_note="urgent", placed_at=at(n)) for n in range(start, start + 100)))
    ids = list(seller.shop.orders.order_by("pk").values_list("pk", flat=True))
    with django_assert_max_num_queries(40):
        rows = actions.approve(order_ids=ids, actor=LI)
    assert sum(row.ok for row in rows) == 300
    assert [row.ok for row in rows] == [True] * 300 + [False] * 200
    assert {row.code for row in rows if not row.ok} == {"short_stock"}
    assert seller.buckets("MUG") == (300, 200, 300)


def test_undoing_an_approval_gives_the_goods_back_to_demand():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    outcome = one(actions.undo_approve(order_ids=[seller.order(1).pk], actor=LI, reason="wrong one"))
    found = seller.order(1)
    assert (outcome.ok, found.state, found.hold_code, found.hold_note) == (True, "held", "undone", "wrong one")
    assert found.approved_at is None
    assert seller.buckets("MUG") == (5, 2, 0)
    assert one(actions.undo_approve(order_ids=[found.pk], actor=LI)).code == "wrong_state"


def test_a_person_holds_and_only_a_person_lets_go():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    pk = seller.order(1).pk
    assert one(actions.hold(order_ids=[pk], actor=LI, reason="")).code == "no_reason"
    assert one(actions.hold(order_ids=[pk], actor=LI, reason="call first", department="service")).ok
    seller.take(later(first, tags=("x",)))
    found = seller.order(1)
    assert (found.state, found.hold_code, found.hold_department) == ("held", "manual", "service")
    assert seller.buckets("MUG") == (5, 0, 2)
    assert one(actions.release_hold(order_ids=[pk], actor=WU)).ok
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (5, 0, 2))


def test_released_orders_are_checked_again_and_told_why_they_stay():
    seller = Seller(MUG=5)
    found = held(seller)
    outcome = one(actions.release_hold(order_ids=[found.pk], actor=LI))
    assert (outcome.ok, outcome.code) == (False, "still_held")
    assert ReviewLog.objects.filter(order=found).count() == 2
    seller.add("CUP", 0)
    seller.take(order(2, line("CUP")))
    seller.add("CUP", 3)
    assert one(actions.release_hold(order_ids=[seller.order(2).pk], actor=LI)).ok


def test_only_held_orders_go_through_review_again():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG")))
    outcome = one(actions.release_hold(order_ids=[seller.order(1).pk], actor=LI))
    assert (outcome.ok, seller.order(1).state) == (False, "approved")
    assert seller.buckets("MUG") == (5, 0, 1)


def test_what_a_person_approved_is_not_asked_again():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"), buyer_note="gift wrap please")
    seller.take(first)
    actions.approve(order_ids=[seller.order(1).pk], actor=LI)
    seller.take(later(first, lines=(line("MUG", 2),)))
    assert seller.order(1).state == "approved"
    assert seller.buckets("MUG") == (5, 0, 2)


def test_cancelling_gives_back_and_tells_the_platform():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    found = seller.order(1)
    assert one(actions.cancel(order_ids=[found.pk], actor=LI, reason="buyer called")).ok
    found.refresh_from_db()
    assert (found.state, found.cancelled_here, found.cancel_reason) == ("cancelled", True, "buyer called")
    assert seller.buckets("MUG") == (5, 0, 0)
    event = OrderEvent.objects.get(order=found)
    assert (event.kind, event.data["source"], event.deliveries.get().state) == ("cancelled", "desk", "due")
    assert one(actions.cancel(order_ids=[found.pk], actor=WU, reason="again")).code == "already"
    assert OrderEvent.objects.count() == 1


def test_splitting_sends_what_is_there_and_keeps_the_rest_in_sight():
    seller = Seller(MUG=2, CUP=1)
    seller.take(order(1, line("MUG", 5), line("CUP", 1, 2)))
    outcome = one(actions.split_by_stock(order_ids=[seller.order(1).pk], actor=LI))
    found = seller.order(1)
    assert (outcome.ok, found.state, found.hold_code, found.hold_department) == (
        True,
        "approved",
        "short_stock",
        "buying",
    )
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((2, 3, 2), (1, 0, 1))


def test_the_rest_of_a_split_order_is_reserved_when_it_has_come():
    seller = Seller(MUG=2)
    seller.take(order(1, line("MUG", 5)))
    pk = seller.order(1).pk
    actions.split_by_stock(order_ids=[pk], actor=LI)
    assert one(actions.approve(order_ids=[pk], actor=LI)).code == "short_stock"
    seller.add("MUG", 3)
    assert one(actions.approve(order_ids=[pk], actor=LI)).ok
    assert (seller.order(1).hold_code, seller.buckets("MUG")) == ("", (5, 0, 5))


def test_splitting_without_any_stock_changes_nothing():
    seller = Seller(MUG=0)
    seller.take(order(1, line("MUG", 5)))
    assert one(actions.split_by_stock(order_ids=[seller.order(1).pk], actor=LI)).code == "nothing_in_stock"
    assert (seller.order(1).state, seller.buckets("MUG")) == ("held", (0, 5, 0))


def test_there_is_no_edit_to_decide_on():
    seller = Seller(MUG=5)
    found = held(seller)
    assert one(actions.accept_edit(order_ids=[found.pk], actor=LI)).code == "no_edit"
    assert one(actions.reject_edit(order_ids=[found.pk], actor=LI)).code == "no_edit"
