"""Group robots (企业微信, 钉钉, 飞书): what a department is told is told in its group chat too."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings
from django.utils import translation

from backoffice import clock, outward
from backoffice.messages.registry import SendError, SendResult
from backoffice.models import OutgoingMessage, Robot

if TYPE_CHECKING:
    from backoffice.notices import Text

CHANNEL = "robot"
MOST_BYTES = 2000  # WeCom takes 2,048 bytes, the others more
HOSTS = {
    Robot.Kind.WECOM: "qyapi.weixin.qq.com",
    Robot.Kind.DINGTALK: "oapi.dingtalk.com",
    Robot.Kind.FEISHU: "open.feishu.cn",
}


def tell(department: str, subject: Text, body: Text, url: str, *, key: str) -> int:
    """Queue a message to every robot that is told about a department; returns how many."""
    from backoffice import messages, notices

    chosen = [
        robot
        for robot in Robot.objects.filter(active=True).defer("url", "secret")
        if not robot.departments or department in robot.departments
    ]
    for robot in chosen:
        with translation.override(settings.LANGUAGE_CODE):
            lines = [notices.said(subject), notices.said(body), notices.address(url)]
        messages.queue(
            channel=CHANNEL, to=str(robot.pk), subject=" ".join(lines[0].split())[:200],
            body="\n".join(line for line in lines if line), reference=f"backoffice.robot:{robot.pk}",
            actor="task:notices", key=f"robot:{robot.pk}:{department}:{key}"[:200], staff=True,
        )  # fmt: skip
    return len(chosen)


def send(row: OutgoingMessage) -> SendResult:
    """Let the robot say it. Raises SendError."""
    robot = Robot.objects.filter(pk=int(row.to), active=True).first() if row.to.isdecimal() else None
    if robot is None:
        raise SendError("robot_gone", retryable=False)
    url, body = request(
        robot, row.body.encode()[:MOST_BYTES].decode(errors="ignore"), int(clock.now().timestamp() * 1000)
    )
    try:
        answer = outward.post(
            url, json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json; charset=utf-8"},
            allow=settings.EGRESS_ALLOW,
        )  # fmt: skip
    except outward.CallFailed as error:
        raise SendError(
            "gateway_forbidden" if error.permanent else "gateway_away", retryable=not error.permanent
        ) from None
    return _judged(answer)


def request(robot: Robot, text: str, milliseconds: int) -> tuple[str, dict[str, Any]]:
    """Return the address and the body of a robot's message, signed as its platform wants it."""
    secret = str(robot.secret or "")
    if robot.kind == Robot.Kind.FEISHU:
        body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
        if secret:
            stamp = str(milliseconds // 1000)
            # Feishu signs nothing with stamp and secret as the key; DingTalk signs both with the secret as the key.
            body |= {"timestamp": stamp, "sign": _hmac(f"{stamp}\n{secret}".encode(), b"")}
        return str(robot.url), body
    body = {"msgtype": "text", "text": {"content": text}}
    if robot.kind == Robot.Kind.DINGTALK and secret:
        sign = _hmac(secret.encode(), f"{milliseconds}\n{secret}".encode())
        return f"{robot.url}&timestamp={milliseconds}&sign={quote(sign, safe='')}", body
    return str(robot.url), body


def _hmac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def _judged(answer: outward.Answer) -> SendResult:
    """All three answer 200 with a number in the body that is 0 when it was said."""
    if answer.status >= 500 or answer.status == 429:
        raise SendError("gateway_away")
    try:
        said = json.loads(answer.text)
        code = next(said[name] for name in ("errcode", "code", "StatusCode") if name in said)
    except (ValueError, TypeError, StopIteration):
        raise SendError("gateway_answer") from None
    if code != 0:
        raise SendError("gateway_refused", retryable=code in {45009, 130101, 11232, 9499})  # said too much at once
    return SendResult("robot")
