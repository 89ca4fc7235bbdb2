"""E-mail over a real socket, text messages to a real gateway, files without either, robots with their signatures."""

import base64
import email
import email.policy
import hashlib
import hmac
from contextlib import suppress

import pytest
from django.core.exceptions import ImproperlyConfigured

from backoffice import env, messages, outward
from backoffice.messages import registry, robots, sending
from backoffice.models import OutgoingMessage, Robot, WorkTime

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_quiet_hours(db):
    WorkTime.objects.filter(pk=1).update(quiet_from=None)


def sent(channel="email", to="mary@shop.example", body="Dear 王小明,\n<b>late</b>", **more):
    row = messages.queue(
        channel=channel,
        to=to,
        subject=more.pop("subject", "迟到 Late"),
        body=body,
        reference="orders.order:1",
        actor="user:7 wang",
        key=more.pop("key", "k1"),
        **more,
    )
    sending.send_due()
    row.refresh_from_db()
    return row


def read(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


# --- e-mail ----------------------------------------------------------------------------------------------------------


def test_an_e_mail_arrives_with_text_and_escaped_html(mail):
    row = sent(html=True)
    assert (row.state, row.code) == ("sent", "")
    (raw,) = mail["messages"]
    message = read(raw)
    assert (message["From"], message["To"], message["Subject"]) == (
        "Yiku Shop <orders@shop.example>",
        "mary@shop.example",
        "迟到 Late",
    )
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_body(("plain",)).get_content().split("\r\n")[:2] == ["Dear 王小明,", "<b>late</b>"]
    assert "&lt;b&gt;late&lt;/b&gt;" in message.get_body(("html",)).get_content()
    assert row.answer == message["Message-ID"]


def test_sent_twice_it_has_the_same_message_id(mail):
    row = sent()
    OutgoingMessage.objects.filter(pk=row.pk).update(state="queued")
    sending.send_due()
    ids = [read(raw)["Message-ID"] for raw in mail["messages"]]
    assert len(ids) == 2
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("answers", "code", "state"),
    [
        ({"RCPT": "550 no such person"}, "smtp_refused_recipient", "parked"),
        ({"RCPT": "451 try later"}, "smtp_refused_recipient", "failed"),
        ({"AFTER": "554 looks like spam"}, "smtp_refused", "parked"),
        ({"AFTER": "452 full"}, "smtp_refused", "failed"),
        ({"MAIL": "550 you may not"}, "smtp_refused", "parked"),
    ],
)
def test_what_the_mail_server_refuses_is_told_apart(mail, answers, code, state):
    mail["answers"] |= answers
    row = sent()
    assert (row.state, row.code, mail["messages"]) == (state, code, [])


def test_a_mail_server_that_is_away_is_waited_for(mail, settings):
    settings.MAIL = env.MailServer("127.0.0.1", 1)
    row = sent()
    assert (row.state, row.code, row.attempts) == ("failed", "smtp_away", 1)


def test_a_recipient_that_is_none_and_a_header_that_breaks_never_reach_the_server(mail):
    assert (sent(to="not an address").code, mail["connections"]) == ("bad_recipient", 0)
    row = sent(key="k2")
    OutgoingMessage.objects.filter(pk=row.pk).update(state="queued", subject="a\nBcc: x@y.example")
    sending.send_due()
    row.refresh_from_db()
    assert (row.state, row.code, len(mail["messages"])) == ("parked", "bad_header", 1)


def test_without_a_mail_server_an_e_mail_is_a_file_that_a_mail_program_opens(outbox):
    row = sent()
    assert (row.state, row.answer) == ("sent", f"file:email-{row.pk:08d}.eml")
    file = outbox / f"email-{row.pk:08d}.eml"
    assert read(file.read_bytes())["To"] == "mary@shop.example"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", None),
        ("smtp://localhost", env.MailServer("localhost", 25)),
        ("smtp+tls://u%40x:p%3Aw@mail.example", env.MailServer("mail.example", 587, "u@x", "p:w", starttls=True)),
        ("smtps://u:p@mail.example:4650", env.MailServer("mail.example", 4650, "u", "p", ssl=True)),
    ],
)
def test_the_mail_servers_address_is_read(monkeypatch, url, server):
    monkeypatch.setenv("EMAIL_URL", url)
    assert env.mail_server("EMAIL_URL") == server


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://u:p@mail.example", "smtps://mail.example:x", "smtp://"]
)
def test_a_mail_address_that_is_none_or_sends_a_password_in_the_open_stops_the_start(monkeypatch, url):
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured):
        env.mail_server("EMAIL_URL")


# --- text messages ---------------------------------------------------------------------------------------------------


def test_a_text_message_is_a_signed_post_whose_text_cannot_break_out(gateway, settings):
    settings.SMS_BODY = '{"mobile": "{{ to }}", "content": "【Yiku】{{ text }}", "n": 1, "ids": ["{{ id }}"]}'
    settings.SMS_SECRET, settings.SMS_TOKEN = "s3cret", "t0ken"
    row = sent("sms", "+86 138 0000 0000", '{{ to }} "quoted", \\ 迟到')
    assert (row.state, row.answer) == ("sent", "HTTP 200")
    ((path, headers, body, raw),) = gateway["calls"]
    assert path == "/send?app=1"
    assert body == {
        "mobile": "+86 138 0000 0000",
        "content": '【Yiku】{{ to }} "quoted", \\ 迟到',
        "n": 1,
        "ids": [f"yiku-{row.pk}"],
    }
    assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer t0ken", f"yiku-{row.pk}")
    signed = f"{headers['X-Yiku-Timestamp']}.".encode() + raw
    assert headers["X-Yiku-Signature"] == hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("answer", "ok", "code", "state"),
    [
        ((500, ""), "", "gateway_away", "failed"),
        ((429, ""), "", "gateway_away", "failed"),
        ((400, ""), "", "gateway_refused", "parked"),
        ((302, ""), "", "gateway_refused", "parked"),  # never followed
        ((200, '{"status": "denied"}'), '"accepted"', "gateway_answer", "parked"),
        ((200, '{"status": "accepted"}'), '"accepted"', "", "sent"),
    ],
)
def test_the_gateways_answer_decides(gateway, settings, answer, ok, code, state):
    gateway["answer"], settings.SMS_OK = answer, ok
    row = sent("sms", "13800000000")
    assert (row.state, row.code, len(gateway["calls"])) == (state, code, 1)


def test_a_gateway_in_our_own_network_is_not_called_unless_the_operator_named_it(gateway, settings):
    settings.EGRESS_ALLOW = []
    row = sent("sms", "13800000000")
    assert (row.state, row.code, gateway["calls"]) == ("parked", "gateway_forbidden", [])
    settings.SMS_URL = "https://169.254.169.254/latest"
    assert sent("sms", "13800000000", key="k2").code == "gateway_forbidden"


def test_without_a_gateway_a_text_message_is_a_file(outbox):
    row = sent("sms", "13800000000", "迟到")
    assert (outbox / f"sms-{row.pk:08d}.txt").read_text() == "13800000000\n迟到\n"


def test_a_gateway_that_drips_or_floods_is_cut_off(settings):
    import socket
    import threading
    import time

    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def drip():
        peer, _ = server.accept()
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(20):
            try:
                peer.sendall(b".")
            except OSError:
                return
            time.sleep(0.05)

    threading.Thread(target=drip, daemon=True).start()
    with pytest.raises(outward.CallFailed, match="timeout"):
        outward.post(f"http://127.0.0.1:{port}/", b"{}", {}, allow=[f"127.0.0.1:{port}"], seconds=0.3)
    server.close()


def answering(head: bytes, body: bytes = b""):
    """A server that answers once; returns its address and what it was sent."""
    import socket
    import threading

    server, got = socket.create_server(("127.0.0.1", 0)), []

    def answer():
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                got.append(peer.recv(4096))
                with suppress(OSError):
                    peer.sendall(head + b"\r\n" + body)

    threading.Thread(target=answer, daemon=True).start()
    return server, f"http://127.0.0.1:{server.getsockname()[1]}/", got


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n", "too_large"),
        (b"HTTP/1.1 307 T\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n", "redirect"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n", "bad_encoding"),
    ],
)
def test_a_gateway_gets_the_same_client_as_everybody(head, code):
    server, address, got = answering(head, b"x" * 70_000 if code == "too_large" else b"xx")
    with server, pytest.raises(outward.CallFailed, match=code):
        outward.post(address, b"{}", {}, allow=[address[7:-1]])
    assert len(got) == 1


def test_a_gateway_in_our_own_network_is_not_called():
    server, address, got = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")
    with server, pytest.raises(outward.CallFailed) as refused:
        outward.post(address.replace("http:", "https:"), b"{}", {})
    assert (refused.value.permanent, got) == (True, [])


# --- robots ----------------------------------------------------------------------------------------------------------


def robot(kind, gateway=None, **more):
    url = f"{gateway['address']}/hook?access_token=T" if gateway else "https://robot.example/hook?access_token=T"
    return Robot.objects.create(name=kind, kind=kind, url=url, **more)


def test_dingtalk_signs_stamp_and_secret_with_the_secret():
    url, body = robots.request(robot("dingtalk", secret="SEC1"), "hello", 1577808000000)
    sign = base64.b64encode(hmac.new(b"SEC1", b"1577808000000\nSEC1", hashlib.sha256).digest()).decode()
    quoted = sign.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    assert url == f"https://robot.example/hook?access_token=T&timestamp=1577808000000&sign={quoted}"
    assert body == {"msgtype": "text", "text": {"content": "hello"}}


def test_feishu_signs_nothing_with_stamp_and_secret_as_the_key():
    url, body = robots.request(robot("feishu", secret="SEC1"), "hello", 1599360473000)
    sign = base64.b64encode(hmac.new(b"1599360473\nSEC1", b"", hashlib.sha256).digest()).decode()
    assert url == "https://robot.example/hook?access_token=T"
    assert body == {"msg_type": "text", "content": {"text": "hello"}, "timestamp": "1599360473", "sign": sign}


def test_wecom_needs_no_signature_and_a_switched_off_robot_says_nothing(gateway):
    one = robot("wecom", gateway)
    row = sent(robots.CHANNEL, str(one.pk), "库存不足" * 400, subject="", staff=True)
    assert (row.state, row.answer) == ("sent", "robot")
    ((path, _headers, body, _raw),) = gateway["calls"]
    assert (path, body["msgtype"]) == ("/hook?access_token=T", "text")
    assert 1990 < len(body["text"]["content"].encode()) <= 2000
    Robot.objects.update(active=False)
    assert sent(robots.CHANNEL, str(one.pk), "x", subject="", key="k2").code == "robot_gone"


@pytest.mark.parametrize(
    ("answer", "code", "state"),
    [
        ((200, '{"errcode": 310000, "errmsg": "sign not match"}'), "gateway_refused", "parked"),
        ((200, '{"errcode": 45009}'), "gateway_refused", "failed"),  # said too much: later
        ((200, '{"code": 0, "msg": "success"}'), "", "sent"),
        ((200, "<html>"), "gateway_answer", "failed"),
        ((502, ""), "gateway_away", "failed"),
    ],
)
def test_a_robots_platform_answers_with_a_number(gateway, answer, code, state):
    gateway["answer"] = answer
    row = sent(robots.CHANNEL, str(robot("dingtalk", gateway).pk), "x", subject="")
    assert (row.state, row.code) == (state, code)


def test_every_code_an_adapter_gives_has_a_sentence():
    for code in ("smtp_away", "gateway_forbidden", "robot_gone", "lost", "disk"):
        assert registry.why(code) != code
