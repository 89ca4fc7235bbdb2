"""Accounts: entering secrets, testing the connection, switching writes, holding everything, noting faults."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.errors import YikuError
from backoffice.secrets import UnreadableSecret, keyed_hash
from channels import budget, due, error_queue, tokens
from channels.connectors.base import Capability, ConnectorError, ShopIdentity
from channels.error_queue import Trouble
from channels.models import Account, AccountState, Credential, DueWork, RemoteLocation
from channels.push import jobs
from channels.registry import NoCredential, UnknownPlatform, can, connector_class, connector_for

UNUSABLE = (NoCredential, UnknownPlatform, UnreadableSecret)  # the account cannot even try
NOTEWORTHY_FAILURES = 3  # passing faults in a row before the error queue hears of them
SKEW_LIMIT = 240  # seconds; Shopee signs within five minutes, others within ten


def working(account_id: int, capability: Capability) -> Account | None:
    """Return the account when it is active and its platform can do this, else None."""
    found = (
        Account.objects.select_related("shop", "credential", "budget", "poll")
        .filter(pk=account_id, state=AccountState.ACTIVE)
        .first()
    )
    return found if found is not None and can(found, capability) else None


# --- secrets ---------------------------------------------------------------------------------------------------------


class SameCredential(YikuError):
    """Another account has the very same log-in."""

    def __init__(self, other: str) -> None:
        super().__init__(
            "same_credential",
            _("These credentials are already used by the account “%(other)s”. One shop is connected once."),
            params={"other": other},
        )


class SameShop(YikuError):
    """Another account reaches the very same shop."""

    def __init__(self, other: str) -> None:
        super().__init__(
            "same_shop",
            _("This shop is already connected as “%(other)s”. Two accounts would count its orders twice."),
            params={"other": other},
        )


class MissingSecret(YikuError):
    """A required field of the connect form is empty."""

    def __init__(self, field: str) -> None:
        super().__init__("missing_secret", _("Please fill in “%(field)s”."), params={"field": field})


def set_credential(*, account: Account, values: Mapping[str, str], actor: str) -> Credential:
    """Store new secrets for an account; whatever stood there is replaced and never shown.

    Raises MissingSecret, SameCredential. An account that the platform had refused becomes active again.
    """
    wanted = connector_class(account.platform).credential_fields
    clean = {field.name: str(values.get(field.name, "")).strip() for field in wanted}
    for field in wanted:
        if field.required and not clean[field.name]:
            raise MissingSecret(gettext(field.label))
    fingerprint = _fingerprint(account, {name: value for name, value in clean.items() if value})
    other = Credential.objects.filter(fingerprint=fingerprint).exclude(account=account).defer("secrets").first()
    if other is not None:
        raise SameCredential(str(other.account))
    fields = {
        "secrets": {name: value for name, value in clean.items() if value},
        "previous": None,
        "fingerprint": fingerprint,
        "expires_at": None,
        "refresh_expires_at": None,
        "updated_at": clock.now(),
        "updated_by": actor[:150],
    }
    try:
        with transaction.atomic():
            credential, _made = Credential.objects.update_or_create(account=account, defaults=fields)
            audit.record(action="account.credential", target=account, actor=actor, summary="credentials set")
            _back_to_work(account)
    except IntegrityError:
        raise SameCredential("?") from None
    return credential


def _fingerprint(account: Account, values: Mapping[str, str]) -> str:
    text = "\n".join([account.platform, account.base_url.rstrip("/"), *(f"{k}={values[k]}" for k in sorted(values))])
    # Platforms without secrets have nothing in common but the platform: the account itself makes them different.
    return keyed_hash(text if values else f"{text}\n{account.pk}", purpose="credential")


def _back_to_work(account: Account) -> None:
    if account.state == AccountState.REFUSED:
        Account.objects.filter(pk=account.pk).update(state=AccountState.ACTIVE, state_code="")
        account.state, account.state_code = AccountState.ACTIVE, ""
    error_queue.resolve(account.pk, error_queue.ACCOUNT, ["login"])
    error_queue.resolve(account.pk, error_queue.TOKEN, ["refresh"])
    DueWork.objects.filter(account=account).update(due_at=clock.now(), queued_until=None, failures=0)


# --- connection ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Connection:
    """What the test of a connection showed."""

    identity: ShopIdentity
    skew: int | None  # seconds; positive when the platform's clock is ahead
    warnings: tuple[str, ...]


def test_connection(*, account: Account, actor: str) -> Connection:
    """Call the platform once, remember who answered, and refuse a shop that another account has.

    Raises ConnectorError, SameShop, NoCredential.
    """
    before = clock.now()
    identity = connector_for(account).test_connection()
    middle = before + (clock.now() - before) / 2
    skew = round((identity.server_time - middle).total_seconds()) if identity.server_time else None
    _refuse_same_shop(account, identity)
    try:
        with transaction.atomic():
            Account.objects.filter(pk=account.pk).update(
                external_shop_id=identity.external_id,
                shop_name=identity.name[:200],
                currency=identity.currency[:3],
                missing_permissions=list(identity.missing_permissions),
                clock_skew=skew,
                checked_at=clock.now(),
            )
            _back_to_work(account)
            audit.record(action="account.test", target=account, actor=actor, summary=identity.name)
    except IntegrityError:
        raise SameShop("?") from None
    account.refresh_from_db()
    ready(account)
    return Connection(identity, skew, identity.warnings)


def _refuse_same_shop(account: Account, identity: ShopIdentity) -> None:
    same = Account.objects.filter(platform=account.platform, external_shop_id=identity.external_id)
    other = same.exclude(pk=account.pk).first()
    if other is not None:
        raise SameShop(str(other))
    if account.external_shop_id and account.external_shop_id != identity.external_id:
        # The address or the keys now lead to another shop: its orders must not be mixed into this one's.
        raise YikuError(
            "other_shop",
            _("These credentials open another shop (“%(name)s”) than before. Make a new account for it."),
            params={"name": identity.name},
        )


def ready(account: Account) -> None:
    """Give an account the rows its work needs; harmless to repeat."""
    due.ensure(account)
    if not can(account, Capability.LOCATIONS) and can(account, Capability.PUSH_STOCK):
        RemoteLocation.objects.get_or_create(
            account=account, external_id="", defaults={"whole_shop": True, "read_at": clock.now()}
        )


# --- switches --------------------------------------------------------------------------------------------------------


def switch_writes(*, account: Account, on: bool, actor: str) -> None:
    """Turn writing to the platform on or off. On also lifts a hold; every figure is then looked at again.

    Raises YikuError "not_tested" when the connection was never tested.
    """
    if on and account.checked_at is None and connector_class(account.platform).credential_fields:
        raise YikuError("not_tested", _("Test the connection before you turn writing on."))
    before = {"write_enabled": account.write_enabled, "held": bool(account.writes_held_at)}
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(write_enabled=on, writes_held_at=None, writes_held_because="")
        audit.record(
            action="account.writes",
            target=account,
            actor=actor,
            before=before,
            after={"write_enabled": on, "held": False},
        )
    account.refresh_from_db()
    if on:
        jobs.touch_account(account.pk, cause="switched_on")


def hold_writes(*, because: str, actor: str, accounts: list[int] | None = None) -> int:
    """Hold all writes until a person turns each account on again (a restore, an emergency); returns how many.

    Reading goes on, so that orders which the platforms had before the restore are taken in meanwhile.
    """
    mine = Account.objects.filter(write_enabled=True, writes_held_at__isnull=True)
    if accounts is not None:
        mine = mine.filter(pk__in=accounts)
    with transaction.atomic():
        ids = list(mine.values_list("pk", flat=True))
        Account.objects.filter(pk__in=ids).update(writes_held_at=clock.now(), writes_held_because=because[:60])
        audit.record_many(
            audit.Entry("account.hold_writes", f"channels.account:{pk}", summary=because, actor=actor) for pk in ids
        )
        for pk in ids:
            error_queue.record(pk, Trouble(kind=error_queue.ACCOUNT, reference="writes", code=because))
    return len(ids)


def pause(*, account: Account, actor: str) -> None:
    """Stop all talk with the platform until somebody resumes it."""
    _set_state(account, AccountState.PAUSED, "", actor)


def resume(*, account: Account, actor: str) -> None:
    """Start talking to the platform again; everything is due at once."""
    _set_state(account, AccountState.ACTIVE, "", actor)
    DueWork.objects.filter(account=account).update(due_at=clock.now(), queued_until=None, failures=0)


def _set_state(account: Account, state: AccountState, code: str, actor: str) -> None:
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(state=state, state_code=code)
        audit.record(
            action="account.state", target=account, actor=actor, before={"state": account.state}, after={"state": state}
        )
    account.state, account.state_code = state, code


# --- faults ----------------------------------------------------------------------------------------------------------


def note_fault(account: Account, error: ConnectorError, *, reference: str) -> None:
    """Draw the consequences of a failed call: wait, refresh the token, stop the account, or tell a person."""
    if error.retry_after:
        budget.put_off(account.pk, error.retry_after, code=error.code)
        return
    if error.auth:
        # A fresh token may be all that is missing.
        if not (can(account, Capability.TOKEN_REFRESH) and tokens.recover(account.pk)):
            refuse(account, error)
        return
    failures = DueWork.objects.filter(account=account, failures__gte=NOTEWORTHY_FAILURES - 1).exists()
    if error.permanent or failures:
        error_queue.record(account.pk, Trouble.of(error, kind=error_queue.ACCOUNT, reference=reference))


def refuse(account: Account, error: ConnectorError) -> None:
    """Stop the account with a message: the platform does not let us in, and only a person can change that."""
    _set_state(account, AccountState.REFUSED, error.code, "system")
    error_queue.record(account.pk, Trouble.of(error, kind=error_queue.ACCOUNT, reference="login"))


def note_unusable(account: Account, error: YikuError) -> None:
    """The account cannot even try: no secrets, an unreadable one, an unknown platform."""
    _set_state(account, AccountState.REFUSED, error.code, "system")
    error_queue.record(account.pk, Trouble(kind=error_queue.ACCOUNT, reference="login", code=error.code))


def note_skew(account: Account, seconds: int) -> None:
    """Remember how far the platform's clock is from ours; a difference that breaks signatures is a trouble."""
    if account.clock_skew != seconds:
        Account.objects.filter(pk=account.pk).update(clock_skew=seconds)
        account.clock_skew = seconds
    if abs(seconds) > SKEW_LIMIT:
        trouble = Trouble(kind=error_queue.ACCOUNT, reference="clock", code="clock_skew", params={"seconds": seconds})
        error_queue.record(account.pk, trouble)
    else:
        error_queue.resolve(account.pk, error_queue.ACCOUNT, ["clock"])


def stale_since(account: Account) -> dt.datetime | None:
    """Return since when no walk of the account has been complete, for the health page."""
    poll = getattr(account, "poll", None)
    return poll.last_ok_at if poll is not None else None
