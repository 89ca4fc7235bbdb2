"""Policies as people keep them: checked, saved with a version each time, and read for the planning."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import audit, clock
from backoffice.errors import YikuError
from inventory.models import Shop, Warehouse
from orders.desk.rules import words
from orders.fulfil.routing import geography
from orders.fulfil.routing.facts import Criterion, PlaceRule, Policy, SendList
from orders.fulfil.routing.planning import CRITERIA
from orders.models import GoodsGone, RoutedShop, RoutingPolicy, RoutingPolicyVersion

MOST_LISTS, MOST_PLACES = 60, 400
LABELS: dict[str, Any] = {
    "complete": gettext_lazy("everything from one warehouse"),
    "nearest": gettext_lazy("the nearest warehouse"),
    "cheapest": gettext_lazy("the cheapest by the rate tables"),
    "priority": gettext_lazy("the preferred warehouses, in their order"),
    "fewest": gettext_lazy("the fewest parcels"),
}
STEPS = {"nearest": gettext_lazy("km"), "cheapest": gettext_lazy("in base currency")}


class PolicyError(YikuError):
    """A policy, or a part of it, that cannot be kept."""


@transaction.atomic
def save(*, policy: RoutingPolicy, shops: Collection[Shop], actor: str) -> RoutingPolicy:
    """Keep a policy with its shops, as a new version. Raises PolicyError for a shop that has another policy."""
    if policy.pk:
        RoutingPolicy.objects.select_for_update().filter(pk=policy.pk).first()
    before = RoutingPolicyVersion.objects.filter(policy=policy.pk).values_list("content", flat=True).first() or {}
    policy.updated_at, policy.updated_by = clock.now(), actor[:150]
    policy.save()
    _keep_shops(policy, shops)
    content = policy.document()
    if content != before:
        policy.version = RoutingPolicyVersion.objects.create(
            policy=policy, content=content, at=policy.updated_at, by=actor[:150]
        )
        policy.save(update_fields=["version"])
        audit.record(action="routing_policy.change", target=policy, before=before, after=content, actor=actor)
    return policy


def _keep_shops(policy: RoutingPolicy, shops: Collection[Shop]) -> None:
    wanted = {shop.pk: shop for shop in shops}
    taken = RoutedShop.objects.filter(shop__in=wanted).exclude(policy=policy).select_related("shop", "policy").first()
    if taken is not None:
        raise PolicyError("shop_taken", shop_taken(taken))
    RoutedShop.objects.filter(policy=policy).exclude(shop__in=wanted).delete()
    have = set(RoutedShop.objects.filter(policy=policy).values_list("shop_id", flat=True))
    RoutedShop.objects.bulk_create([RoutedShop(policy=policy, shop_id=pk) for pk in wanted if pk not in have])


def shop_taken(taken: RoutedShop) -> str:
    """Return the sentence for a shop that has another policy."""
    said = _("Shop %(shop)s has the policy “%(policy)s”: take it off there first.")
    return said % {"shop": taken.shop.name, "policy": taken.policy.name}


# --- checked before they are kept ------------------------------------------------------------------------------------


def checked_criteria(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return criteria as they are kept; raises PolicyError."""
    found: list[dict[str, str]] = []
    for row in rows:
        by = str(row.get("by", ""))
        if by not in CRITERIA or any(one["by"] == by for one in found):
            raise PolicyError("criterion", _("Choose each criterion once."))
        step = _step(str(row.get("step") or "0"), by)
        found.append({"by": by, "step": f"{step.normalize():f}"} if step else {"by": by})
    if not found:
        raise PolicyError("criterion", _("Choose at least one criterion."))
    return found


def _step(text: str, by: str) -> Decimal:
    try:
        step = Decimal(text.strip().replace(",", ".") or "0")
    except InvalidOperation:
        step = Decimal(-1)
    if not step.is_finite() or not 0 <= step <= 1_000_000:
        raise PolicyError("step", _("“%s” is no figure from 0 to 1,000,000.") % text[:30])
    return step if by in STEPS else Decimal(0)


def checked_lists(rows: Sequence[Mapping[str, Any]], warehouses: Collection[int]) -> list[dict[str, Any]]:
    """Return the lists of who sends where as they are kept; raises PolicyError naming the row."""
    if len(rows) > MOST_LISTS:
        raise PolicyError("lists", _("At most %d rows.") % MOST_LISTS)
    return [_checked_list(number, row, warehouses) for number, row in enumerate(rows, 1)]


def _checked_list(number: int, row: Mapping[str, Any], warehouses: Collection[int]) -> dict[str, Any]:
    site, mode = row.get("warehouse"), row.get("mode")
    texts = [one.strip() for one in str(row.get("places", "")).replace("，", ",").replace("、", ",").split(",")]
    places = list(dict.fromkeys(one for one in texts if one))
    if (site is not None and site not in warehouses) or mode not in ("only", "never"):
        raise PolicyError("lists", _("Row %d: choose a warehouse, and whether only or never.") % number)
    if not places or len(places) > MOST_PLACES:
        raise PolicyError("lists", _("Row %d: name at least one place, such as US or CN-广东.") % number)
    for text in places:
        _check_place(number, text)
    return {"warehouse": site, "mode": mode, "places": places}


def _check_place(number: int, text: str) -> None:
    rule = geography.place_rule(text)
    if rule is None or (rule.country != "*" and rule.country not in known_countries()):
        params = {"row": number, "place": text[:60]}
        raise PolicyError("place", _("Row %(row)d: “%(place)s” is no place. Write US, CN-广东 or FR:20.") % params)


def known_countries() -> frozenset[str]:
    """The codes of all countries."""
    return frozenset(code for code, _name in words.countries("en"))


# --- read for the planning -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Book:
    """The policies in force: each by its id, those of shops, and the one for all others."""

    by_id: Mapping[int, Policy]
    by_shop: Mapping[int, int]
    general: int | None

    def of(self, shop_id: int, wished: int | None = None) -> Policy | None:
        """Return the policy of an order: the one wished, its shop's, the general one, or None."""
        for pk in (wished, self.by_shop.get(shop_id), self.general):
            if pk is not None and pk in self.by_id:
                return self.by_id[pk]
        return None


def asked() -> ExpressionWrapper:
    """Return, for a query of anything, whether the routing has a say: policies in force, or goods reported as gone."""
    policies, gone = RoutingPolicy.objects.filter(active=True), GoodsGone.objects.filter(closed_at=None)
    return ExpressionWrapper(Exists(policies) | Exists(gone), output_field=BooleanField())


def load() -> Book:
    """Read the policies that are on: two queries."""
    found, general = {}, None
    rows = RoutingPolicy.objects.filter(active=True).order_by("pk")
    names = ("pk", "version_id", "general", "criteria", "priority", "lists", "split_lines", "unknown_weight_g")
    for pk, version, for_all, *said in rows.values_list(*names):
        found[pk] = of(pk, version, *said)
        general = pk if for_all else general
    shops = RoutedShop.objects.filter(policy__active=True).values_list("shop_id", "policy_id") if found else ()
    return Book(found, dict(shops), general)


def of(
    pk: int | None, version: int | None, criteria: Any, priority: Any, lists: Any, split: bool, weight_g: int
) -> Policy:
    """Return a policy as the planning reads it; what this code does not know is left out."""
    return Policy(
        id=pk,
        version=version,
        criteria=tuple(
            Criterion(one["by"], Decimal(one.get("step", "0"))) for one in criteria if one["by"] in CRITERIA
        ),
        priority=tuple(priority),
        lists=tuple(SendList(one["warehouse"], one["mode"] == "only", _rules(one["places"])) for one in lists),
        split_lines=split,
        unknown_weight_g=weight_g,
    )


def _rules(places: Sequence[str]) -> tuple[PlaceRule, ...]:
    return tuple(rule for rule in map(geography.place_rule, places) if rule is not None)


def sendable_warehouses() -> Any:
    """The warehouses goods can be sent from at all."""
    return Warehouse.objects.filter(active=True, read_only=False).order_by("code")
