"""The desk the rules are built on: their list, and the builder of one."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice import audit, clock
from backoffice.adminkit import YikuModelAdmin
from inventory.access import sight, visible
from inventory.models import Product, Shop
from orders.admin.rules import form as forms
from orders.admin.rules import pages
from orders.admin.rules.form import RuleForm
from orders.desk import checks, sentences
from orders.desk.rules import conditions, deeds, fields, publishing, words, works
from orders.models import Rule
from orders.models.order import Department

LIST = "admin:orders_rule_changelist"


@admin.register(Rule)
class RuleAdmin(YikuModelAdmin):
    """Rules as they stand on the desk; orders are judged by what was published."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/do/", wrap(act), name="orders_rule_do"),
            path("publish/", wrap(pages.publish), name="orders_rule_publish"),
            path("versions/", wrap(pages.versions), name="orders_rule_versions"),
            path("versions/<int:pk>/", wrap(pages.version), name="orders_rule_version"),
            path("tests/", wrap(pages.tests), name="orders_rule_tests"),
            path("tests/<int:pk>/", wrap(pages.test), name="orders_rule_test"),
            path("tests/<int:pk>/xlsx/", wrap(pages.test_xlsx), name="orders_rule_test_xlsx"),
            path("health/", wrap(pages.health), name="orders_rule_health"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """All rules in the order they are tried, each in words."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.GET:
            raise DisallowedModelAdminLookup("The list of rules has no filters.")
        lists, current = words.choices(request.user), publishing.in_force()
        live = {one["id"]: one for one in current.content} if current else {}
        rows = [_shown(rule, live, lists) for rule in Rule.objects.order_by("place", "id")]
        page = pages.context(
            request, _("Review rules"), rows=rows, current=current, waiting=publishing.waiting(),
            may_change=self.has_change_permission(request), may_publish=request.user.has_perm("orders.publish_rule"),
        )  # fmt: skip
        return TemplateResponse(request, "admin/orders/rule/list.html", page)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return _builder(request, None, may_change=True)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rule = Rule.objects.filter(pk=object_id).first() if object_id.isdecimal() and len(object_id) < 18 else None
        if rule is None:
            raise Http404
        may_change = self.has_change_permission(request) and _may_touch(request, rule)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        return _builder(request, rule, may_change=may_change)


def _shown(rule: Rule, live: dict[int, Any], lists: Any) -> dict[str, Any]:
    document = rule.document()
    state = "" if not rule.enabled and rule.pk not in live else "gone" if not rule.enabled else "new"
    if rule.enabled and rule.pk in live:
        state = "live" if live[rule.pk] == document else "changed"
    return {
        "rule": rule,
        "state": state,
        "conditions": words.conditions(rule.conditions, lists),
        "joined": words.joined(rule.conditions),
        "deeds": [words.deed(one) for one in rule.deeds],
        "scope": words.scope(document, lists),
    }


def _may_touch(request: HttpRequest, rule: Rule | None) -> bool:
    """Whoever sees some shops only may change rules that are for those shops alone."""
    seen = sight(request.user).shops
    return seen is None or rule is None or (bool(rule.shops) and set(map(int, rule.shops)) <= set(seen))


def _builder(request: HttpRequest, rule: Rule | None, *, may_change: bool) -> HttpResponse:
    shops = list(visible(request.user, Shop.objects.all()).order_by("name"))
    data = request.POST if request.method == "POST" else None
    start = _proposed(request, shops) if rule is None else {}
    form = RuleForm(data, initial=forms.first(rule) or start, shops=shops)
    if data is not None and form.is_valid():
        made = _save(request, rule, form)
        if made is not None:
            messages.success(request, _("Saved on the desk. Orders follow it once it is published."))
            return HttpResponseRedirect(reverse(LIST))
    page = pages.context(
        request, rule.name if rule else _("New rule"), form=form, rule=rule, may_change=may_change,
        known=known(request.user), saved={**_saved(rule, data), **start.get("saved", {})}, categories=_categories(),
        problems=[{"text": one.text, "group": one.group, "row": one.row} for one in form.problems],
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/rule/builder.html", page)


def _proposed(request: HttpRequest, shops: list[Shop]) -> dict[str, Any]:
    """What a new rule starts with when the page of health proposed it: let pass what people let go again and again."""
    code, country = request.GET.get("over", ""), request.GET.get("country", "")[:2]
    if request.method == "POST" or code not in deeds.PASSABLE:
        return {}
    mine = [str(shop.pk) for shop in shops if str(shop.pk) == request.GET.get("shop")]
    name = _("Let pass: %(check)s %(country)s") % {"check": sentences.hold_title(code), "country": country}
    saved = {"deeds": [{"do": deeds.APPROVE, "over": [code]}]}
    scope = {"shops": mine, "countries": country}
    return {"name": name.strip()[:100], "place": 100, "enabled": True, **scope, "saved": saved}


def _save(request: HttpRequest, rule: Rule | None, form: RuleForm) -> Rule | None:
    now, data = clock.now(), form.cleaned_data
    row = rule or Rule(created_at=now)
    before = rule.document() if rule else {}
    for name, value in data.items():
        setattr(row, name, [int(pk) for pk in value] if name == "shops" else value)
    if not _may_touch(request, row):
        form.add_error("shops", _("Choose among your own shops: a rule for all shops is for who sees all of them."))
        return None
    row.updated_at, row.updated_by = now, request.user.get_username()
    row.save()
    audit.record(action="rule.save", target=row, request=request, before=before, after=row.document())
    return row


def _saved(rule: Rule | None, data: Any) -> dict[str, Any]:
    """What the builder shows first: what was typed, else what is saved, else an empty rule."""
    if data is not None:
        typed = [_parsed(data.get(name, "")) for name in ("conditions", "deeds")]
        found = typed[0] if isinstance(typed[0], dict) else {}
        done = typed[1] if isinstance(typed[1], list) else []
    else:
        found, done = (rule.conditions, rule.deeds) if rule else ({}, [])
    groups = [one for one in found.get("groups", []) if isinstance(one, dict) and isinstance(one.get("rows"), list)]
    return {"join": found.get("join", "all"), "groups": groups, "deeds": [one for one in done if isinstance(one, dict)]}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _categories() -> list[str]:
    rows = Product.objects.exclude(category="").values_list("category", flat=True)
    return sorted(set(rows.order_by().distinct()[:500]))


def known(principal: Any) -> dict[str, Any]:
    """Return what the builder has to know: fields, comparisons, lists and words, in the reader's language."""
    return {
        "fields": [
            {"code": one.code, "label": str(one.label), "kind": one.kind, "of": one.of, "unit": str(one.unit),
             "days": one.days, "choices": one.choices, "group": str(one.part)}
            for one in fields.FIELDS.values()
        ],
        "operators": fields.OPERATORS,
        "labels": {code: str(label) for code, label in fields.OPERATOR_LABELS.items()},
        "without": sorted(fields.WITHOUT_VALUE),
        "lists": sorted(fields.LISTS),
        "choices": words.choices(principal),
        "ofs": [(code, str(words.OF_LABELS[code])) for code in conditions.OFS],
        "joins": [("all", _("all of these hold")), ("any", _("one of these holds"))],
        "group_joins": [("all", _("all groups have to hold")), ("any", _("one group is enough"))],
        "departments": [(value, str(label)) for value, label in Department.choices],
        "passable": [(code, sentences.hold_title(code)) for code in checks.CHECKS if code in deeds.PASSABLE],
        "deeds": [(code, str(label)) for code, label in deeds.labels().items()],
        "works": _works(principal),
        "words": _words(),
    }  # fmt: skip


def _works(principal: Any) -> dict[str, list[dict[str, Any]]]:
    """What the builder asks for each thing that the parts of the desk bring."""
    return {
        code: [
            {"name": one.name, "label": str(one.label), "figure": one.figure,
             "choices": list(one.choices(principal)) if one.choices else None}
            for one in kind.inputs
        ]
        for code, kind in works.kinds().items()
    }  # fmt: skip


def _words() -> dict[str, str]:
    return {
        "when": _("When"),
        "then": _("Then"),
        "always": _("No condition: it matches every order in its scope."),
        "add_group": _("Add conditions"),
        "add_row": _("Add a condition"),
        "add_deed": _("Add something to do"),
        "remove": _("Take away"),
        "remove_group": _("Take these conditions away"),
        "add": _("add…"),
        "field": _("What"),
        "comparison": _("Comparison"),
        "value": _("Value"),
        "from": _("From"),
        "to": _("To"),
        "within": _("within"),
        "days": _("days"),
        "asks": _("Asked of"),
        "joined": _("How they are joined"),
        "commas": _("separated by commas"),
        "deed": _("What it does"),
        "department": _("Department"),
        "reason": _("Why, and what to do: the clerk reads it"),
        "at_most": _("at most"),
        "hours": _("hours"),
        "after": _("hours after the order"),
        "marks": _("Marks"),
        "over_all": _("over all checks that may be passed; or only over"),
        "over_these": _("over"),
        "priority": _("Priority"),
    }


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a rule on or off, move it, copy it, or take it off the desk."""
    rule = Rule.objects.filter(pk=pk).first()
    if not request.user.has_perm("orders.change_rule"):
        raise PermissionDenied
    if rule is None:
        raise Http404
    if not _may_touch(request, rule):
        raise PermissionDenied
    do, before = request.POST.get("do", ""), rule.document()
    if do in ("on", "off"):
        rule.enabled = do == "on"
    elif do == "copy":
        rule.pk, rule.enabled = None, False
        rule.name, rule.created_at = _("Copy of %s")[:80] % rule.name[:80], clock.now()
    elif do != "remove":
        raise Http404
    if do == "remove":
        audit.record(action="rule.remove", target=rule, request=request, before=before)
        rule.delete()
    else:
        rule.updated_at, rule.updated_by = clock.now(), request.user.get_username()
        rule.save()
        audit.record(action=f"rule.{do}", target=rule, request=request, before=before, after=rule.document())
    return HttpResponseRedirect(reverse(LIST))
