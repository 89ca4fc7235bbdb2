"""The pages around the rules: publish, versions, tests on past orders, health."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backoffice.errors import YikuError
from backoffice.models import User
from inventory.access import sight
from inventory.models import Shop
from orders.admin.rules import sheets
from orders.desk import sentences
from orders.desk.rules import backtest, publishing, words
from orders.desk.rules import health as ailing
from orders.desk.rules.deeds import PASSABLE
from orders.models import Backtest, ReviewLog, RuleVersion

LIST = "admin:orders_rule_changelist"
SHOWN = 50
ALARMING = 50.0  # percent of orders a set of rules may hold before publishing asks twice


def context(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    """Return what every page about rules needs."""
    return {**admin.site.each_context(request), "title": title, **more}


def _me(request: HttpRequest) -> User:
    return cast(User, request.user)


def demand(request: HttpRequest, permission: str) -> None:
    """Refuse whoever lacks a right of the rules."""
    if not request.user.has_perm(f"orders.{permission}"):
        raise PermissionDenied


def publish(request: HttpRequest) -> HttpResponse:
    """What would change, what it would do to past orders, and the button."""
    demand(request, "publish_rule")
    waiting, documents = publishing.waiting(), publishing.draft()
    digest = publishing.digest_of(documents)
    seen = sight(request.user).shops
    foreign = seen is not None and any(not _within(change, seen) for change in waiting)
    if request.method == "POST":
        if foreign:
            raise PermissionDenied
        try:
            made = publishing.publish(
                user=_me(request),
                note=request.POST.get("note", "").replace("\0", ""),
                expected=request.POST.get("digest", ""),
            )
        except YikuError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:orders_rule_publish"))
        messages.success(request, _("Version %d is in force: new orders follow it.") % made.pk)
        return HttpResponseRedirect(reverse(LIST))
    tested = Backtest.objects.filter(digest=digest).exclude(ended_at=None).first()
    alarming = tested is not None and tested.result.get("held", 0) * 100 > ALARMING * tested.result.get("orders", 0)
    page = context(
        request, _("Publish the rules"), changes=_told(request, waiting), digest=digest, tested=tested,
        alarming=alarming, foreign=foreign, may_test=request.user.has_perm("orders.change_rule"),
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/rule/publish.html", page)


def _within(change: publishing.Change, seen: frozenset[int]) -> bool:
    sides = [one for one in (change.before, change.after) if one is not None]
    return all(one["shops"] and set(one["shops"]) <= seen for one in sides)


def _told(request: HttpRequest, changes: list[publishing.Change]) -> list[dict[str, Any]]:
    lists = words.choices(request.user)
    return [
        {
            "kind": change.kind,
            "name": change.name,
            "fields": [str(words.FIELD_LABELS[name]) for name in change.fields],
            "before": _side(change.before, lists),
            "after": _side(change.after, lists),
        }
        for change in changes
    ]


def _side(document: dict[str, Any] | None, lists: Any) -> list[str]:
    if document is None:
        return []
    rows = words.conditions(document["conditions"], lists) or [_("every order")]
    scope = words.scope(document, lists)
    told = [*([scope] if scope else []), *rows, *("→ " + words.deed(one) for one in document["deeds"])]
    flags = [str(words.FIELD_LABELS[name]) for name in ("dry", "stop") if document.get(name)]
    return [f"{document['name']} ({document['place']})", *told, *flags]


@require_safe
def versions(request: HttpRequest) -> HttpResponse:
    """Every set of rules that was in force."""
    demand(request, "view_rule")
    found = list(RuleVersion.objects.select_related("published_by").defer("content")[:200])
    page = context(request, _("Published versions"), versions=found)
    return TemplateResponse(request, "admin/orders/rule/versions.html", page)


def version(request: HttpRequest, pk: int) -> HttpResponse:
    """One version beside the one before it, and the way back to it."""
    demand(request, "view_rule")
    row = RuleVersion.objects.select_related("published_by").filter(pk=pk).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        return _roll_back(request, row)
    before = RuleVersion.objects.filter(pk__lt=pk).order_by("-pk").first()
    current = publishing.in_force()
    changes = publishing.difference(before.content if before else [], row.content)
    back = publishing.difference(current.content if current else [], row.content)
    page = context(
        request, str(row), version=row, changes=_told(request, changes), back=_told(request, back),
        newest=current is not None and current.pk == row.pk, unpublished=len(publishing.waiting()),
        may_publish=request.user.has_perm("orders.publish_rule") and sight(request.user).shops is None,
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/rule/version.html", page)


def _roll_back(request: HttpRequest, row: RuleVersion) -> HttpResponse:
    demand(request, "publish_rule")
    if sight(request.user).shops is not None:
        raise PermissionDenied
    try:
        note = request.POST.get("note", "").replace("\0", "")
        made = publishing.roll_back(version=row, user=_me(request), note=note)
    except YikuError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(request.path)
    said = _("Version %(new)d is in force: it is version %(old)d again.") % {"new": made.pk, "old": row.pk}
    messages.success(request, said)
    return HttpResponseRedirect(reverse(LIST))


def tests(request: HttpRequest) -> HttpResponse:
    """Tests on past orders: the newest, and the button for another."""
    demand(request, "view_rule")
    if request.method == "POST":
        demand(request, "change_rule")
        text = request.POST.get("days", "")
        days = int(text) if text in map(str, backtest.PERIODS) else backtest.PERIODS[0]
        try:
            row = backtest.begin(user=_me(request), days=days)
        except YikuError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.path)
        return HttpResponseRedirect(reverse("admin:orders_rule_test", args=[row.pk]))
    found = Backtest.objects.filter(started_by=_me(request)).select_related("progress").defer("differing", "rules")
    page = context(
        request, _("Tests on past orders"), tests=list(found[:30]), periods=backtest.PERIODS,
        may_test=request.user.has_perm("orders.change_rule"),
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/rule/tests.html", page)


@require_safe
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, then what it found. A test belongs to who started it: it shows the orders that person may see."""
    row = _own(request, pk)
    told = [_order(one) for one in row.differing[:SHOWN]]
    page = context(
        request, _("Test on the orders of %d days") % row.days, row=row, found=row.result, orders=told,
        more=max(int(row.result.get("differing", 0)) - len(told), 0), running=backtest.running(row),
        reasons=[(sentences.hold_title(code), count) for code, count in row.result.get("reasons", [])
                 if not code.startswith(sentences.RULE)],
        changes=_told(request, publishing.difference(_in_force(), row.rules)),
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/rule/test.html", page)


def _own(request: HttpRequest, pk: int) -> Backtest:
    demand(request, "view_rule")
    row = Backtest.objects.filter(pk=pk, started_by=_me(request)).select_related("progress").first()
    if row is None:
        raise Http404
    return row


def _in_force() -> list[dict[str, Any]]:
    current = publishing.in_force()
    return current.content if current else []


def _order(one: dict[str, Any]) -> dict[str, Any]:
    person = dict(ReviewLog.PersonVerdict.choices).get(one["person"], "") if one["person"] else ""
    return {
        **one,
        "now": [sentences.hold_title(code, name) for code, name in one["now"]],
        "then": [sentences.hold_title(code) for code in one["then"]],
        "person": person,
        "ending": str(sheets.ENDINGS.get(one["ending"], one["ending"])),
    }


@require_safe
def test_xlsx(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The figures and the orders that differ, as a workbook."""
    row = _own(request, pk)
    if row.ended_at is None:
        raise Http404
    return FileResponse(sheets.workbook(row), as_attachment=True, filename=f"rules-test-{row.pk}.xlsx")


def _proposal(code: str, shop: int, country: str) -> str:
    """Return the address of a builder that starts with the proposal; empty for what another rule holds."""
    if code not in PASSABLE:
        return ""
    return f"{reverse('admin:orders_rule_add')}?{urlencode({'over': code, 'shop': shop, 'country': country})}"


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """What the rules in force did in the last 30 days, and what people did about it."""
    demand(request, "view_rule")
    found = ailing.of(request.user)
    shops = dict(Shop.objects.values_list("pk", "name"))
    found["proposals"] = [
        {"title": sentences.hold_title(code, names.get(code, "")), "shop": shops.get(shop, ""), "country": country,
         "count": count, "link": _proposal(code, shop, country)}
        for names in [{f"rule:{one.id}": one.name for one in found["rules"]}]
        for code, shop, country, count in found["proposals"]
    ]  # fmt: skip
    page = context(request, _("Are the rules any good?"), **found)
    return TemplateResponse(request, "admin/orders/rule/health.html", page)
