"""Messages of a play: previewed, counted, once an order whatever is clicked, and none to whom the parcel has left."""

import datetime as dt

import pytest

from backoffice.messages import OutgoingMessage
from orders.contracts import Buyer
from orders.desk import actions
from orders.fulfil import shipping
from orders.late import compensations, messages, plays
from orders.late.errors import LateError
from orders.models import PlayMessage
from tests.orders.factories import line, order
from tests.orders.late.build import LI, ids, play_of, preset, short_seller, template

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    return short_seller(1, 100, 200, 300)


def play_with_date(seller):
    play = play_of(seller)
    play.new_date = dt.date(2026, 12, 4)
    play.save()
    return play


def send(play, text, order_ids):
    return messages.send(play_id=play.pk, template=text, order_ids=order_ids, actor=LI)


def sent() -> list[tuple[str, str]]:
    return list(OutgoingMessage.objects.order_by("id").values_list("to", "subject"))


def test_each_buyer_gets_the_own_facts_once(seller, people):
    play, text = play_with_date(seller), template()
    compensations.give(
        user=people["owner"], actor=LI, preset=preset(name="Coupon"), order_ids=ids(seller, 2), play=play
    )
    found = send(play, text, ids(seller, 2, 3))
    assert sent() == [("buyer2@example.com", "Order #1002"), ("buyer3@example.com", "Order #1003")]
    body = "Dear Ana Müller: MUG × 1 by 2026-12-04, not 2026-11-20. Coupon SORRY"
    assert OutgoingMessage.objects.order_by("id").first().body == body
    assert (len(found.letters), found.channel, dict(found.left_out)) == (2, "email", {})
    assert {one.key for one in OutgoingMessage.objects.all()} == {f"late:{play.pk}:{pk}" for pk in ids(seller, 2, 3)}
    assert set(play.messages.values_list("state", "template")) == {("queued", "test-email")}
    with pytest.raises(LateError, match="Nobody is left"):
        send(play, text, ids(seller, 2, 3))
    send(play, text, ids(seller, 1, 2))
    assert len(sent()) == 3


def test_a_message_queued_before_a_crash_is_not_doubled(seller):
    """The message's key outlives what the play remembers."""
    play, text = play_of(seller), template()
    send(play, text, ids(seller, 2))
    PlayMessage.objects.all().delete()
    send(play, text, ids(seller, 2))
    assert len(sent()) == 1
    assert PlayMessage.objects.get().message == OutgoingMessage.objects.get()


def test_whose_parcel_left_meanwhile_is_not_written_to(seller):
    play, text = play_of(seller), template()
    chosen = ids(seller, 1, 2, 3)
    shipping.ship(order_id=chosen[0], parcels=[shipping.Parcel()], actor="x", idempotency_key="k")
    actions.cancel(order_ids=[chosen[1]], actor=LI, reason="x")
    found = send(play, text, chosen)
    assert sent() == [("buyer3@example.com", "Order #1003")]
    assert dict(found.left_out) == {"message_gone": 2}


def test_who_has_no_address_is_counted_and_an_address_with_a_line_break_is_one_line(seller):
    bare = order(4, line("MUG"), buyer=Buyer(name="X"), shipping=None)
    seller.take(bare)
    play = play_of(seller)
    contact = seller.order(3).contact
    contact.email = "a@example.com\nBcc: b@example.com"
    contact.save()
    found = send(play, template(), ids(seller, 2, 3, 4))
    assert dict(found.left_out) == {"message_address": 1}
    assert [to for to, _subject in sent()] == ["buyer2@example.com", "a@example.com Bcc: b@example.com"]


def test_by_telephone_and_on_the_platform(seller):
    play = play_of(seller)
    assert messages.address(seller.order(1), "sms") == "+33612345678"
    assert messages.address(seller.order(1), "platform") == "Ana Müller"
    found = messages.batch(play=play, template=template("sms"), order_ids=ids(seller, 2))
    assert [one.masked for one in found.letters] == ["+•••••••5678"]


def test_the_preview_shows_three_and_masks_names_for_who_may_not_see_them(seller):
    play, text = play_with_date(seller), template()
    found = messages.batch(play=play, template=text, order_ids=ids(seller, 1, 2, 3), clear=False)
    assert len(found.first) == 3
    assert "Dear A•• M•••••:" in found.first[0].body
    assert "buyer" not in found.first[0].masked
    assert not OutgoingMessage.objects.exists()
    assert found.first[0].language == "en"


def test_a_name_that_looks_like_a_place_stays_a_name(seller):
    contact = seller.order(2).contact
    contact.buyer_name = "{{ coupon }}<script>%s"
    contact.save()
    send(play_of(seller), template(body_en="Dear {{ buyer_name }}."), ids(seller, 2))
    assert OutgoingMessage.objects.get().body == "Dear {{ coupon }}<script>%s."


def test_no_template_and_a_closed_play(seller):
    play = play_of(seller)
    with pytest.raises(LateError, match="Choose a template"):
        send(play, None, ids(seller, 2))
    with pytest.raises(LateError, match="Choose a template"):
        send(play, template(active=False), ids(seller, 2))
    type(play).objects.update(state="closed", closed_at=plays.clock.now(), closed_by=LI)
    with pytest.raises(LateError, match="closed: li"):
        send(play, template("sms"), ids(seller, 2))
    assert sent() == []


def test_the_preview_takes_as_many_questions_for_many_as_for_few(seller, django_assert_max_num_queries):
    play, text = play_of(seller), template()
    for number in range(10, 30):
        seller.take(order(number, line("MUG")))
    plays.look_again(play_id=play.pk, actor=LI)
    chosen = ids(seller, 2, *range(10, 30))
    with django_assert_max_num_queries(6):
        assert len(messages.batch(play=play, template=text, order_ids=chosen).letters) == 21
