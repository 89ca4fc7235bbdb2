"""Standing exceptions: what a person lets pass for a buyer, an address or a shop, for a time, not just once."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.errors import YikuError
from orders.desk.checks import Finding
from orders.desk.facts import KEY, Facts
from orders.desk.rules.deeds import NEVER_PASSED
from orders.models import Order, Override, ReviewLog

Scope = Override.Scope
MOST_DAYS = 366
Found = Mapping[int, Mapping[str, int]]  # order id → code → the exception


@transaction.atomic
def grant(*, order_id: int, scope: str, days: int, reason: str, actor: str) -> list[Override]:
    """Let pass what holds this order for all orders of its buyer, address or shop, for so many days.

    Raises YikuError: bad_period, nothing_to_pass, not_known (no buyer or address to know again).
    """
    if not 1 <= days <= MOST_DAYS:
        raise YikuError("bad_period", _("Say for how many days: 1 to 366."))
    order = Order.objects.select_for_update().get(pk=order_id)
    key = {Scope.BUYER: order.buyer_key, Scope.ADDRESS: order.address_key, Scope.SHOP: str(order.shop_id)}[Scope(scope)]
    if not key:
        raise YikuError("not_known", _("The platform does not say enough to know this again: choose another scope."))
    review = ReviewLog.objects.filter(order=order).order_by("-pk").first()
    codes = {str(one["code"]): str(one.get("name", "")) for one in (review.findings if review else [])}
    passable = {code: name for code, name in codes.items() if code not in NEVER_PASSED}
    if not passable:
        raise YikuError("nothing_to_pass", _("Nothing holds this order that could be let pass again."))
    now = clock.now()
    made = [
        Override(
            code=code, name=name[:100], scope=scope, key=key, shop_id=order.shop_id, order=order,
            until=now + dt.timedelta(days=days), reason=reason[:300], created_at=now, created_by=actor[:150],
        )
        for code, name in passable.items()
    ]  # fmt: skip
    Override.objects.bulk_create(made)
    after = {"codes": sorted(passable), "scope": scope, "days": days, "reason": reason}
    audit.record(action="order.override", target=order, actor=actor, after=after)
    return made


def find(page: Sequence[Facts], now: dt.datetime) -> Found:
    """Return what may pass for each order of a page; one query."""
    if not page:
        return {}
    asked: dict[tuple[str, str], list[int]] = defaultdict(list)
    for facts in page:
        for scope, key in ((Scope.BUYER, facts.buyer_hash[:KEY]), (Scope.ADDRESS, facts.address_hash[:KEY])):
            if key:
                asked[scope.value, key].append(facts.order_id)
        asked[Scope.SHOP.value, str(facts.shop_id)].append(facts.order_id)
    wanted = Q()
    for kind in Scope.values:
        wanted |= Q(scope=kind, key__in=[key for of, key in asked if of == kind])
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Override.objects.filter(wanted, until__gt=now).order_by("pk")
    for pk, code, kind, key in rows.values_list("pk", "code", "scope", "key"):
        for order_id in asked[kind, key]:
            found[order_id][code] = pk
    return found


def apply(facts: Facts, findings: Sequence[Finding], found: Found, used: list[int]) -> list[Finding]:
    """Return the findings that still hold an order; notes the exceptions that let pass in `used`."""
    passing = found.get(facts.order_id)
    if not passing:
        return list(findings)
    used += [passing[one.code] for one in findings if one.code in passing]
    return [one for one in findings if one.code not in passing]


def count(used: Sequence[int]) -> None:
    """Count what exceptions let pass."""
    for pk in sorted(set(used)):
        Override.objects.filter(pk=pk).update(used=F("used") + used.count(pk))


def end(*, override: Override, actor: str) -> None:
    """Let it end now; orders it let pass stay as they are."""
    Override.objects.filter(pk=override.pk, until__gt=clock.now()).update(until=clock.now())
    audit.record(action="order.override_end", target=override.order, actor=actor, after={"code": override.code})
