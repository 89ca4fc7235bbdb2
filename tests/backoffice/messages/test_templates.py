"""Templates fill known places only, in the reader's language, and not twice to the same order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice import messages
from backoffice.messages import templates
from backoffice.messages.queueing import MessageError
from backoffice.models import MessageTemplate, OutgoingMessage


def template(**fields):
    defaults = {
        "code": "late",
        "name": "Late order",
        "channel": "platform",
        "subject_zh": "订单 {{ order_number }}",
        "body_zh": "{{buyer_name}} 您好",
        "subject_en": "Order {{ order_number }}",
        "body_en": "Dear {{ buyer_name }}, {% if x %} {{ 7*7 }} {{ order.shop }} %s {0}",
    }
    return MessageTemplate(**{**defaults, **fields})


def test_only_known_places_are_filled_and_everything_else_is_literal():
    values = {"order_number": "1\r\nBcc: x@y.example", "buyer_name": "{{ order_number }} <b>"}
    subject, body = messages.render(template(), values, "en")
    assert subject == "Order 1 Bcc: x@y.example"  # one line whatever the value holds
    assert body == "Dear {{ order_number }} <b>, {% if x %} {{ 7*7 }} {{ order.shop }} %s {0}"


def test_the_language_that_is_not_written_is_replaced_by_the_other():
    assert messages.render(template(), {"order_number": "9", "buyer_name": "王"}, "zh-hans") == ("订单 9", "王 您好")
    only = template(subject_en="", body_en="")
    assert messages.render(only, {"order_number": "9", "buyer_name": "王"}, "en")[1] == "王 您好"
    assert messages.render(template(), {}, "en")[0] == "Order"


def test_unknown_places_are_named():
    assert templates.unknown_in("{{ order_number }} {{ password }}", "{{x.y}} {{ password }}") == ["password", "x.y"]


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=60)
def test_whatever_is_written_or_filled_in_the_value_stands_as_it_is(around, value):
    text = around.replace("{", "").replace("}", "")
    assert templates.fill(f"{text}{{{{ goods }}}}{text}", {"goods": value}) == f"{text}{value}{text}"


@pytest.mark.django_db
def test_the_same_template_goes_to_an_order_once_a_day_unless_it_is_forced(later):
    row = template()
    row.save()

    def send(key, **more):
        return messages.queue_template(
            template=row,
            to="mary",
            variables={"order_number": "9"},
            language="en",
            reference="orders.order:9",
            actor="x",
            key=key,
            **more,
        )

    first = send("a")
    assert (first.subject, first.template, send("a").pk) == ("Order 9", row, first.pk)
    with pytest.raises(MessageError, match="Late order.* went to this order 24 hours ago or less"):
        send("b")
    assert OutgoingMessage.objects.count() == 1
    assert messages.recently_sent(row, ["orders.order:9", "orders.order:10"]) == {"orders.order:9"}
    send("c", forced=True)
    later(hours=25)
    send("d")
    assert OutgoingMessage.objects.count() == 3
