"""Messages in the browser: masked until a look that is recorded, sent by hand, templates that refuse unknown places."""

import pytest
from django.urls import reverse

from backoffice import messages, notices
from backoffice.messages import sending
from backoffice.models import AuditEntry, MessageTemplate, NoticePreference, OutgoingMessage, Robot, StaffNotice
from inventory.models import Access
from tests.inventory import factories as stock

pytestmark = pytest.mark.django_db
LIST = reverse("admin:backoffice_outgoingmessage_changelist")


def text(answer):
    return answer.content.decode()


def queue(key="k1", **more):
    fields = {"channel": "platform", "to": "mary.smith@shop.example", "subject": "Late", "body": "Dear Mary"}
    return messages.queue(**{**fields, **more}, reference="orders.order:1", actor="x", key=key)


def page(row):
    return reverse("admin:backoffice_outgoingmessage_change", args=[row.pk])


def do(client, row, what):
    return client.post(reverse("admin:backoffice_outgoingmessage_do", args=[row.pk]), {"do": what}, follow=True)


@pytest.fixture
def client(people):
    Access.objects.create(user=people["customer_service"], all_shops=True, all_warehouses=True)
    return people.client("customer_service")


def test_recipient_and_text_are_masked_until_a_look_that_is_recorded_and_only_once(client):
    row = queue()
    for answer in (client.get(LIST), client.get(page(row))):
        assert "mary.smith@shop.example" not in text(answer)
        assert "Dear Mary" not in text(answer)
    shown = text(do(client, row, "reveal"))
    assert "mary.smith@shop.example" in shown
    assert "Dear Mary" in shown
    assert AuditEntry.objects.filter(action="message.reveal").count() == 1
    assert "Dear Mary" not in text(client.get(page(row)))


def test_an_auditor_cannot_look_or_act(people):
    Access.objects.create(user=people["auditor"], all_shops=True, all_warehouses=True)
    row, client = queue(), people.client("auditor")
    assert client.get(page(row)).status_code == 200
    assert [do(client, row, what).status_code for what in ("reveal", "cancel", "done")] == [403, 403, 403]
    assert client.get(LIST, {"q": "mary.smith@shop.example"}).context["cl"].result_count == 0  # no finding by guessing
    row.refresh_from_db()
    assert row.state == "by_hand"


def test_a_message_by_hand_is_copied_and_noted_as_sent(client):
    row = queue()
    shown = text(do(client, row, "reveal"))
    assert "Copy the text" in shown
    assert "Sent by hand" in shown
    assert "Noted as sent" in text(do(client, row, "done"))
    row.refresh_from_db()
    assert row.state == "sent"
    assert client.get(LIST, {"q": "mary.smith@shop.example"}).context["cl"].result_count == 1


def test_messages_of_other_shops_and_to_staff_are_not_there(people):
    mine, other = stock.shop(), stock.shop()
    Access.objects.create(user=people["order_clerk"]).shops.add(mine)
    client = people.client("order_clerk")
    rows = [queue("a", shop_id=mine.pk), queue("b", shop_id=other.pk), queue("c", staff=True)]
    assert [client.get(page(row)).status_code for row in rows] == [200, 404, 404]
    assert client.get(LIST).context["cl"].result_count == 1


def test_many_are_cancelled_with_the_refused_ones_told(client):
    row, gone = queue("a"), queue("b")
    do(client, gone, "done")
    chosen = {"action": "cancel_them", "_selected_action": [str(row.pk), str(gone.pk)]}
    shown = text(client.post(LIST, chosen, follow=True))
    assert "1 message done." in shown
    assert "cannot be taken back" in shown
    assert set(OutgoingMessage.objects.values_list("state", flat=True)) == {"cancelled", "sent"}


def form(**more):
    return {
        "name": "Late", "code": "late", "purpose": "late", "channel": "email", "subject_en": "Order {{ order_number }}",
        "body_en": "Dear {{ buyer_name }}", "hours_between": "24", "active": "on", **more,
    }  # fmt: skip


def test_a_template_with_an_unknown_place_or_without_a_subject_is_refused(client):
    url = reverse("admin:backoffice_messagetemplate_add")
    assert "There is no variable" in text(client.post(url, form(body_en="{{ secret }}")))
    assert "An e-mail needs a subject" in text(client.post(url, form(subject_en="")))
    assert "in one language at least" in text(client.post(url, form(body_en="")))
    assert not MessageTemplate.objects.filter(code="late").exists()
    assert client.post(url, form()).status_code == 302


def test_a_template_is_looked_at_with_an_example_and_tried_on_oneself(client, people):
    person = people["customer_service"]
    person.email = "me@shop.example"
    person.save()
    client.post(reverse("admin:backoffice_messagetemplate_add"), form(body_en="<b>{{ buyer_name }}</b>"))
    row = MessageTemplate.objects.get(code="late")
    shown = text(client.get(reverse("admin:backoffice_messagetemplate_change", args=[row.pk])))
    assert "Order SO-1001" in shown
    assert "&lt;b&gt;王小明&lt;/b&gt;" in shown
    client.post(reverse("admin:backoffice_messagetemplate_test", args=[row.pk]), {"language": "en"})
    mail = OutgoingMessage.objects.get()
    assert (mail.to, mail.subject, mail.staff, mail.channel) == ("me@shop.example", "Order SO-1001", True, "email")


def test_a_robots_address_is_its_platforms_and_never_shown(people):
    client = people.client("owner")
    url = reverse("admin:backoffice_robot_add")
    wish = {"name": "Stock", "kind": "dingtalk", "active": "on", "departments": ["buying"]}
    evil = {**wish, "new_url": "https://evil.example/robot/send?access_token=T"}
    assert "begins with https://oapi.dingtalk.com/" in text(client.post(url, evil))
    good = {**wish, "new_url": "https://oapi.dingtalk.com/robot/send?access_token=T0P", "new_secret": "SEC9"}
    assert client.post(url, good).status_code == 302
    robot = Robot.objects.get()
    assert (robot.url.endswith("T0P"), robot.secret) == (True, "SEC9")
    change = reverse("admin:backoffice_robot_change", args=[robot.pk])
    assert "T0P" not in text(client.get(change))
    client.post(change, {**wish, "name": "Goods"})
    robot = Robot.objects.get()
    assert (robot.name, robot.secret) == ("Goods", "SEC9")


# --- notices ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def person(people):
    user = people["warehouse_clerk"]
    user.email = "clerk@shop.example"
    user.language = "en"
    user.save()
    return user


def test_a_department_is_told_once_a_key_and_in_one_mail_together(person, people):
    assert notices.tell("warehouse", "Leak", "in the hall", "/admin/x/", key="a") == 1
    assert notices.tell("warehouse", "Leak", "in the hall", "/admin/x/", key="a") == 0
    notices.tell(person, lambda: "Flood\r\nBcc: x@y.example", key="b")
    assert notices.send_due() == 1
    assert notices.send_due() == 0
    mail = OutgoingMessage.objects.get()
    assert (mail.to, mail.subject, mail.staff) == ("clerk@shop.example", "Yiku: 2 notices", True)
    assert mail.body.startswith("Leak\nin the hall\n/admin/x/")
    assert mail.body.endswith("Flood Bcc: x@y.example")


def test_an_hourly_wish_collects_and_no_e_mail_is_no_e_mail(person, people, later):
    NoticePreference.objects.create(user=person, digest="hourly")
    notices.tell(person, "one", key="a")
    assert notices.send_due() == 0
    later(hours=1)
    assert notices.send_due() == 1
    NoticePreference.objects.update(email=False)
    notices.tell(person, "two", key="b")
    later(hours=2)
    assert notices.send_due() == 0
    assert StaffNotice.objects.count() == 2  # both stand on the page


def test_a_department_without_people_is_the_owners_work_and_robots_are_told_too(people, person):
    Robot.objects.create(name="all", kind="wecom", url="https://qyapi.weixin.qq.com/x?key=1")
    Robot.objects.create(name="buying", kind="wecom", url="https://qyapi.weixin.qq.com/x?key=2", departments=["buying"])
    owner = people["owner"]
    notices.tell("finance", "Leak", key="a")
    assert StaffNotice.objects.get().user == owner
    assert OutgoingMessage.objects.filter(channel="robot").count() == 1
    notices.tell(person, "only you", key="b")
    assert OutgoingMessage.objects.filter(channel="robot").count() == 1
    assert sending.adapter_of("robot") is not None


def test_a_person_reads_the_notices_and_sets_the_wishes(person, people):
    notices.tell(person, "<b>Leak</b>", url="/admin/x/", key="a")
    client = people.client("warehouse_clerk")
    shown = text(client.get(reverse("notices")))
    assert "&lt;b&gt;Leak&lt;/b&gt;" in shown
    client.post(reverse("notices"), {"do": "read"})
    assert StaffNotice.objects.get().read_at is not None
    client.post(reverse("notices"), {"do": "wishes", "digest": "daily", "quiet_from": "22:00", "quiet_to": "07:00"})
    wish = NoticePreference.objects.get()
    assert (wish.user, wish.email, wish.digest, str(wish.quiet_from)) == (person, False, "daily", "22:00:00")
    client.post(reverse("notices"), {"do": "wishes", "email": "on", "digest": "never", "quiet_from": "x"})
    wish = NoticePreference.objects.get()
    assert (wish.email, wish.digest, wish.quiet_from) == (True, "now", None)
