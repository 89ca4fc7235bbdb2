"""E-mail: over SMTP where EMAIL_URL says where, else into files."""

from __future__ import annotations

import hashlib
import smtplib
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.core.validators import validate_email
from django.utils.html import escape

from backoffice.env import MailServer
from backoffice.messages import files
from backoffice.messages.registry import SendError, SendResult
from backoffice.models import OutgoingMessage

HTML = (
    '<!doctype html><html><head><meta charset="utf-8"></head>'
    '<body style="font:15px/1.6 sans-serif;color:#1f2937;white-space:pre-line">{}</body></html>'
)


def send(row: OutgoingMessage) -> SendResult:
    """Send one e-mail. Raises SendError."""
    message = compose(row)
    server_settings: MailServer | None = settings.MAIL
    if server_settings is None:
        return files.write(row, "eml", message.message().as_bytes())
    try:
        with EmailBackend(**_server(server_settings)) as server:
            server.send_messages([message])
    except smtplib.SMTPException as error:
        raise _refusal(error) from None
    except OSError:
        raise SendError("smtp_away") from None
    return SendResult(message.extra_headers["Message-ID"])


def compose(row: OutgoingMessage) -> EmailMultiAlternatives:
    """Return the e-mail of a row. Its Message-ID is made from the key: sent twice, it is seen to be the same."""
    try:
        validate_email(row.to)
    except ValidationError:
        raise SendError("bad_recipient", retryable=False) from None
    if any(mark in row.subject + row.to for mark in "\r\n"):
        raise SendError("bad_header", retryable=False)
    host = settings.EMAIL_FROM.rpartition("@")[2].strip(" >") or "yiku.invalid"
    number = hashlib.sha256(row.key.encode()).hexdigest()[:32]
    message = EmailMultiAlternatives(
        subject=row.subject, body=row.body, from_email=settings.EMAIL_FROM, to=[row.to],
        headers={"Message-ID": f"<{number}@{host}>", "Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    if row.html:
        message.attach_alternative(HTML.format(escape(row.body)), "text/html")
    return message


def _server(mail: MailServer) -> dict[str, Any]:
    return {
        "host": mail.host, "port": mail.port, "username": mail.user, "password": mail.password,
        "use_tls": mail.starttls, "use_ssl": mail.ssl, "timeout": 15, "fail_silently": False,
    }  # fmt: skip


def _refusal(error: smtplib.SMTPException) -> SendError:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [answer[0] for answer in error.recipients.values()]
        return SendError("smtp_refused_recipient", retryable=not all(code >= 500 for code in codes))
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return SendError("smtp_login")
    if isinstance(error, smtplib.SMTPResponseException):
        return SendError("smtp_refused", retryable=error.smtp_code < 500)
    return SendError("smtp_away")
