"""A message is a row: once per key, sent once, tried again, parked, taken back."""

import datetime as dt

import pytest

from backoffice import clock, messages
from backoffice.messages import queueing, registry, sending
from backoffice.messages.queueing import MessageError
from backoffice.messages.registry import SendError, SendResult
from backoffice.models import AuditEntry, OutgoingMessage, WorkTime

pytestmark = pytest.mark.django_db


def queue(key="k1", **more):
    fields = {
        "channel": "carrier_pigeon",
        "to": "mary@shop.example",
        "subject": "Late",
        "body": "Your parcel is late.",
        "reference": "orders.order:1",
        "actor": "user:7 wang",
    }
    return messages.queue(**{**fields, **more}, key=key)


@pytest.fixture
def pigeon(monkeypatch):
    """A channel whose adapter does what the test says; `flown` is what it was given."""

    class Pigeon:
        flown: list = []
        answer: object = SendResult("coo-1")

        def __call__(self, row):
            self.flown = [*self.flown, row.body]
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    one = Pigeon()
    monkeypatch.setitem(registry._adapters, "carrier_pigeon", one)
    return one


def state(row):
    row.refresh_from_db()
    return row.state, row.code, row.attempts


def test_a_key_is_one_message_whoever_asks_how_often(pigeon):
    first, second = queue(), queue(body="another text")
    assert first.pk == second.pk
    assert OutgoingMessage.objects.get().body == "Your parcel is late."
    assert (sending.send_due(), sending.send_due()) == (1, 0)
    assert pigeon.flown == ["Your parcel is late."]
    first.refresh_from_db()
    assert (first.state, first.answer, first.attempts) == ("sent", "coo-1", 1)
    assert first.sent_at is not None


def test_what_may_pass_is_tried_again_later_and_parked_after_eight_times(pigeon):
    row = queue()
    pigeon.answer = SendError("gateway_away")
    sending.send_due()
    assert state(row) == ("failed", "gateway_away", 1)
    assert row.not_before > clock.now()
    assert sending.send_due() == 0  # not yet
    for _ in range(7):
        OutgoingMessage.objects.update(not_before=clock.now())
        sending.send_due()
    assert state(row) == ("parked", "gateway_away", 8)
    pigeon.answer = SendResult()
    queueing.repeat(message=row)
    sending.send_due()
    assert state(row)[:2] == ("sent", "")


def test_what_cannot_pass_is_parked_at_once_and_a_broken_adapter_hurts_only_its_message(pigeon):
    row = queue()
    pigeon.answer = SendError("bad_recipient", retryable=False)
    sending.send_due()
    assert state(row) == ("parked", "bad_recipient", 1)
    other = queue("k2")
    pigeon.answer = RuntimeError("secret 4711")
    sending.send_due()
    assert state(other) == ("failed", "RuntimeError", 1)  # the text of an exception may hold anything


def test_a_killed_senders_message_is_taken_over_and_its_late_answer_refused(pigeon, later):
    row = queue()
    (dead,) = sending.claim(5)
    assert sending.claim(5) == []  # somebody has it
    later(seconds=sending.SECONDS + 1)
    assert sending.send_due() == 1
    assert state(row) == ("sent", "", 2)
    assert sending._note(dead, state="failed") is False
    assert state(row)[0] == "sent"


def test_one_that_kills_its_sender_eight_times_is_parked(pigeon, later):
    row = queue()
    for _ in range(8):
        assert len(sending.claim(5)) == 1
        later(seconds=sending.SECONDS + 1)
    assert sending.claim(5) == []
    assert state(row) == ("parked", "lost", 8)


def test_without_an_adapter_a_person_sends_it_and_says_so():
    row = queue(channel="platform")
    assert row.state == "by_hand"
    assert messages.by_hand("platform") is True
    assert sending.send_due() == 0
    queueing.done_by_hand(message=row)
    assert state(row)[0] == "sent"
    assert AuditEntry.objects.get(action="message.by_hand").before == {"state": "by_hand"}
    with pytest.raises(MessageError, match="not one to be sent by hand"):
        queueing.done_by_hand(message=row)


def test_an_adapter_may_say_that_a_person_has_to_do_it(pigeon):
    row = queue()
    pigeon.answer = SendResult(by_hand=True)
    sending.send_due()
    assert state(row)[0] == "by_hand"


def test_it_is_taken_back_before_it_went_and_never_after(pigeon):
    row, gone = queue(), queue("k2")
    queueing.cancel(message=row)
    assert sending.send_due() == 1
    assert (state(row)[0], len(pigeon.flown)) == ("cancelled", 1)
    with pytest.raises(MessageError, match="cannot be taken back"):
        queueing.cancel(message=gone)
    assert state(gone)[0] == "sent"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"to": " "}, "message_no_recipient"),
        ({"to": "a@b.example\nBcc: all@b.example"}, "message_line_break"),
        ({"subject": "Late\r\nBcc: all@b.example"}, "message_line_break"),
        ({"body": "\n "}, "message_empty"),
        ({"body": "a\0b"}, "message_nul"),
        ({"body": "x" * 20_001}, "message_too_long"),
    ],
)
def test_a_message_that_cannot_be_is_refused_and_no_row_is_made(wrong, code):
    with pytest.raises(MessageError) as refusal:
        queue(**wrong)
    assert refusal.value.code == code
    assert not OutgoingMessage.objects.exists()


def test_customers_sleep_and_staff_have_hours_of_their_own(settings):
    WorkTime.objects.create(pk=1, quiet_channels=["sms"])
    night = dt.datetime(2026, 11, 30, 15, 0, tzinfo=dt.UTC)  # eleven at night in Shanghai
    with clock.moved_to(lambda: night):
        assert queue("a", channel="sms").not_before == dt.datetime(2026, 12, 1, 1, 0, tzinfo=dt.UTC)
        assert queue("b", channel="sms", staff=True).not_before == night
        assert queue("c", channel="email").not_before == night


def test_erasing_takes_recipient_and_text_of_all_messages_and_stops_what_waits(pigeon):
    sent, waiting, other = queue("a"), queue("b", to="Mary@Shop.example"), queue("c", to="li@shop.example")
    OutgoingMessage.objects.filter(pk=sent.pk).update(state="sent", sent_at=clock.now())
    assert queueing.erase(to="mary@shop.example") == 2
    rows = {row.pk: row for row in OutgoingMessage.objects.all()}
    assert [(rows[one.pk].to, rows[one.pk].subject, rows[one.pk].body) for one in (sent, waiting)] == [("", "", "")] * 2
    assert (rows[sent.pk].state, rows[waiting.pk].state, rows[other.pk].to) == ("sent", "cancelled", "li@shop.example")
    assert queueing.erase(reference="orders.order:1") == 1
    assert queueing.erase() == 0
    with pytest.raises(MessageError, match="was erased"):
        queueing.repeat(message=OutgoingMessage.objects.get(pk=waiting.pk))
