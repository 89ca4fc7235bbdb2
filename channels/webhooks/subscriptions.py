"""The subscriptions that should stand on the platform: one that vanished or was disabled is noticed and made again."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from backoffice import audit, clock
from channels import accounts, alarms, due, error_queue
from channels.connectors.base import Capability, Connector, ConnectorError, Subscription
from channels.error_queue import Trouble
from channels.models import Account
from channels.registry import connector_for
from channels.working import alone

LEASE_SECONDS = 120.0


def callback_url(account: Account) -> str:
    """Return the address the platform shall call; empty when nobody said where we are reachable (PUBLIC_URL)."""
    path = reverse("channels:hook", args=[account.platform, account.hook_token])
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else ""


def check(account_id: int) -> bool | None:
    """Compare what stands with what should; True when all is well (again), None when nothing may be done now.

    Without a public address nothing is subscribed: the account lives by polling, which is slower and complete.
    """
    account = accounts.working(account_id, Capability.WEBHOOK_SUBSCRIPTIONS)
    if account is None:
        return None
    url = callback_url(account)
    if not url or (account.options or {}).get("webhooks") is False:
        due.ended(account_id, due.HOOKS)
        return None
    with alone(f"subscriptions:account:{account_id}", LEASE_SECONDS) as held:
        if held is None:
            return None
        try:
            well = _check(account, connector_for(account), url)
        except ConnectorError as error:
            accounts.note_fault(account, error, reference="webhooks")
            due.ended(account_id, due.HOOKS, code=error.code, retry_after=error.retry_after)
            return False
        except accounts.UNUSABLE as error:
            accounts.note_unusable(account, error)
            return False
        due.ended(account_id, due.HOOKS)
        return well


def _check(account: Account, connector: Connector, url: str) -> bool:
    missing = _missing(connector, connector.list_webhooks(), url)
    first_time = account.subscribed_at is None
    if not missing:
        error_queue.resolve(account.pk, error_queue.HOOK, connector.webhook_topics)
        alarms.hooks_stand(account.pk)
        _remember(account)
        return True
    if not first_time:
        # Without this nobody would know that the platform gave up on us for a while.
        error_queue.record_many(
            account.pk,
            [Trouble(kind=error_queue.HOOK, reference=topic, code=code, permanent=False) for topic, code in missing],
        )
        alarms.hooks_vanished(account, [topic for topic, _code in missing])
    left = _missing(connector, connector.ensure_webhooks(url), url)
    audit.record(
        action="account.webhooks",
        target=account,
        actor="task:webhooks",
        before={"missing": [topic for topic, _code in missing]},
        after={"missing": [topic for topic, _code in left]},
    )
    error_queue.resolve(account.pk, error_queue.HOOK, set(connector.webhook_topics) - {topic for topic, _code in left})
    _remember(account)
    return not left


def _missing(connector: Connector, standing: tuple[Subscription, ...], url: str) -> list[tuple[str, str]]:
    """Return (topic, code) of what should stand for our address and does not."""
    here = {one.topic: one for one in standing if one.url == url and one.active}
    off = {one.topic for one in standing if one.url == url and not one.active}
    return [
        (topic, "webhook_disabled" if topic in off else "webhook_missing")
        for topic in connector.webhook_topics
        if topic not in here
    ]


def _remember(account: Account) -> None:
    if account.subscribed_at is None:
        Account.objects.filter(pk=account.pk).update(subscribed_at=clock.now())
