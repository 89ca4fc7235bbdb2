"""Two-factor sign-in: the codes of an authenticator app (RFC 6238), back-up codes, and who must have them.

The secret is encrypted with FIELD_KEYS, back-up codes are hashed with HASH_KEY: a dump of the database opens nothing.
A session that has given a password only may open the page that asks for the code, and no other.
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import logging
import secrets as random
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.errors import YikuError
from backoffice.models import BackupCode, SecondFactor, User
from backoffice.roles import OWNER, has_role
from backoffice.secrets import keyed_hash

log = logging.getLogger("yiku.signin")
STEP = 30  # seconds a code counts; one step before and after is taken for clocks that differ
BACKUP_CODES, LETTERS = 10, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
WRONG_CODES, PAUSE, LONGEST_PAUSE = 5, 15 * 60, 60 * 60  # after each five wrong ones, seconds; it doubles
GIVEN = "yiku_code"  # in the session: for which device, and when the last code was given

_sensitive: set[str] = {"backoffice.change_user", "auth.change_group"}


class WrongCode(YikuError):
    """The code is wrong, too old, or was used before."""

    def __init__(self) -> None:
        super().__init__(
            "wrong_code", _("This code is wrong or was used before. Wait for the next one and enter that.")
        )


class TooManyCodes(YikuError):
    """Too many wrong codes: not even the right one counts for a while."""

    def __init__(self) -> None:
        super().__init__(
            "too_many_codes",
            _("Too many wrong codes. For a quarter of an hour, later for up to an hour, no code counts."),
            retryable=True,
        )


def register_sensitive(permission: str) -> None:
    """Name a right (`app.codename`) whose holders need a second factor; call it in AppConfig.ready()."""
    _sensitive.add(permission)


# --- setting up ------------------------------------------------------------------------------------------------------


def start(user: User) -> SecondFactor:
    """Make a new secret; it counts once a code made with it was confirmed."""
    fields = {"secret": random.token_hex(20), "created_at": clock.now(), "last_step": 0, "failures": 0}
    unread = SecondFactor.objects.defer("secret")  # a secret whose key is lost must not stand in the way of a new one
    factor, _made = unread.update_or_create(user=user, defaults={**fields, "wait_until": None})
    return factor


def confirm(user: User, given: str) -> list[str]:
    """Switch it on with the first code; returns the back-up codes, which are never shown again. Raises WrongCode."""
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user, user__two_factor_at=None).first()
        step = _step(factor, _plain(given)) if factor else 0
        if factor is None or not step:
            raise WrongCode
        SecondFactor.objects.filter(pk=factor.pk).update(last_step=step)
        user.two_factor_at = clock.now()
        User.objects.filter(pk=user.pk).update(two_factor_at=user.two_factor_at)
        codes = _new_backup_codes(factor)
        audit.record(action="two_factor.on", target=user)
    return codes


def new_backup_codes(user: User) -> list[str]:
    """Replace the back-up codes; returns the new ones, which are never shown again."""
    with transaction.atomic():
        codes = _new_backup_codes(SecondFactor.objects.select_for_update().defer("secret").get(user=user))
        audit.record(action="two_factor.backup_codes", target=user)
    return codes


def remove(user: User, *, action: str) -> None:
    """Take the second factor away: `two_factor.off` by the person himself, `two_factor.reset` by another."""
    with transaction.atomic():
        SecondFactor.objects.defer("secret").filter(user=user).delete()
        User.objects.filter(pk=user.pk).update(two_factor_at=None)
        user.two_factor_at = None
        audit.record(action=action, target=user)


def _new_backup_codes(factor: SecondFactor) -> list[str]:
    codes = ["".join(random.choice(LETTERS) for _place in range(10)) for _number in range(BACKUP_CODES)]
    factor.backup_codes.all().delete()
    BackupCode.objects.bulk_create(BackupCode(factor=factor, digest=_digest(factor, code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _digest(factor: SecondFactor, code: str) -> str:
    return keyed_hash(f"{factor.user_id} {code}", purpose="backup_code")


# --- codes -----------------------------------------------------------------------------------------------------------


def check(user: User, given: str) -> None:
    """Use a code of the app, or a back-up code. Raises WrongCode, TooManyCodes; wrong ones are counted and logged."""
    with transaction.atomic():  # the row is locked: two guesses at once are two guesses
        factor = SecondFactor.objects.select_for_update().defer("secret").filter(user=user).first()
        problem = _judge(factor, _plain(given)) if factor else WrongCode()
        if problem:
            audit.record(action="two_factor.refused", target=user, summary=problem.code)
    if problem:
        log.warning("code refused: user %s, %s, address %s", user.pk, problem.code, audit.current_actor().address)
        raise problem


def _judge(factor: SecondFactor, code: str) -> YikuError | None:
    now = clock.now()
    if factor.wait_until and factor.wait_until > now:
        return TooManyCodes()
    step = _step(factor, code)
    problem: YikuError | None = None
    if step or _use_backup(factor, code):
        factor.last_step, factor.failures, factor.wait_until = step or factor.last_step, 0, None
    else:
        factor.failures += 1
        rounds, rest = divmod(factor.failures, WRONG_CODES)
        problem = TooManyCodes() if not rest else WrongCode()
        if not rest:
            factor.wait_until = now + dt.timedelta(seconds=min(PAUSE * 2 ** min(rounds - 1, 9), LONGEST_PAUSE))
    factor.save(update_fields=["last_step", "failures", "wait_until"])
    return problem


def _step(factor: SecondFactor, code: str) -> int:
    """Return the time step this code is of, when it is newer than the last one used; else 0."""
    if len(code) != 6 or not code.isdecimal() or not code.isascii():
        return 0
    app, now = _app(factor), int(clock.now().timestamp()) // STEP
    for step in (now, now - 1, now + 1):
        if step > factor.last_step and hmac.compare_digest(app.generate(step * STEP), code.encode()):
            return step
    return 0


def _use_backup(factor: SecondFactor, code: str) -> bool:
    if len(code) != 10:
        return False
    left = factor.backup_codes.filter(digest=_digest(factor, code), used_at=None)
    if not left.update(used_at=clock.now()):
        return False
    audit.record(action="two_factor.backup_code_used", target=f"backoffice.user:{factor.user_id}")
    return True


def _plain(given: str) -> str:
    return unicodedata.normalize("NFKC", given).upper().replace("-", "").replace(" ", "")


def _app(factor: SecondFactor) -> TOTP:
    return TOTP(bytes.fromhex(factor.secret), 6, SHA1(), STEP)  # noqa: S303 — what every authenticator app speaks


def secret_text(factor: SecondFactor) -> str:
    """Return the secret as a person types it into an app, in groups of four."""
    text = base64.b32encode(bytes.fromhex(factor.secret)).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address(factor: SecondFactor, account: str) -> str:
    """Return the otpauth:// address that the QR code holds."""
    return _app(factor).get_provisioning_uri(account, "Yiku")


# --- sessions --------------------------------------------------------------------------------------------------------


def note(request: HttpRequest) -> None:
    """Remember in the session that a code was given just now."""
    request.session.cycle_key()
    request.session[GIVEN] = {"device": _device(request.user), "at": clock.now().timestamp()}


def passed(request: HttpRequest) -> bool:
    """True when this session gave a code for the device of today, or the person has none."""
    device = _device(request.user)
    return not device or request.session.get(GIVEN, {}).get("device") == device


def fresh(request: HttpRequest) -> bool:
    """True when a code was given within CODE_FRESH, or the person has no second factor."""
    if not _device(request.user):
        return True
    age = clock.now().timestamp() - request.session.get(GIVEN, {}).get("at", 0)
    return passed(request) and 0 <= age <= settings.CODE_FRESH


def _device(user: Any) -> str:
    return user.two_factor_at.isoformat() if user.two_factor_at else ""


def must_set_up(user: Any) -> bool:
    """True for who needs a second factor by REQUIRE_MFA and has none yet."""
    if not settings.REQUIRE_MFA or user.two_factor_at or not user.is_staff:
        return False
    return has_role(user, OWNER, "bookkeeper") or any(user.has_perm(name) for name in _sensitive)


def ask(request: HttpRequest) -> HttpResponse:
    """Send the browser to the page that asks for a code, and back here afterwards."""
    return HttpResponseRedirect(f"{reverse('two_factor_code')}?{urlencode({'next': request.get_full_path()})}")


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Let who has given no code yet, or must set up a second factor first, open that page only."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.path not in _doors("two_factor_code"):
            if not passed(request):
                return ask(request) if request.method == "GET" else HttpResponseRedirect(reverse("two_factor_code"))
            if request.path not in _doors("two_factor") and must_set_up(request.user):
                return HttpResponseRedirect(reverse("two_factor"))
        return get_response(request)

    return handle


def _doors(name: str) -> set[str]:
    return {reverse(door) for door in (name, "admin:login", "admin:logout", "set_language")}
