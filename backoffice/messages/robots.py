"""Group robots (企业微信, 钉钉, 飞书): what a department is told is told in its group chat too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import translation

from backoffice.models import Robot

if TYPE_CHECKING:
    from backoffice.notices import Text


def tell(department: str, subject: Text, body: Text, url: str, *, key: str) -> int:
    """Queue a message to every robot that is told about a department; returns how many."""
    from backoffice import messages, notices

    told = 0
    for robot in Robot.objects.filter(active=True).defer("url", "secret"):
        if robot.departments and department not in robot.departments:
            continue
        with translation.override(settings.LANGUAGE_CODE):
            lines = [notices.said(subject), notices.said(body), notices.address(url)]
        messages.queue(
            channel="robot", to=str(robot.pk), subject=" ".join(lines[0].split())[:200],
            body="\n".join(line for line in lines if line), reference=f"backoffice.robot:{robot.pk}",
            actor="task:notices", key=f"robot:{robot.pk}:{key}"[:200], staff=True,
        )  # fmt: skip
        told += 1
    return told
