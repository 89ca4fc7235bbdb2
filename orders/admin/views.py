"""Saved views of the list: the filters, search and order of the moment under a name, and those every house needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, masking, roles
from backoffice.errors import YikuError
from backoffice.keyset import CURSOR_PARAMETERS
from orders.models import ListSetting, SavedView
from orders.models.order import Department

LIST = "admin:orders_order_changelist"
VIEW, PER = "view", "per"
OWN_PARAMETERS = (VIEW, PER)
FREE = ("q", "o", PER)  # what a view may hold besides filters
SIZES = (50, 200, 500)
LONGEST, MOST_VIEWS, MOST_COUNTED = 2000, 50, 100
DEPARTMENTS = {
    "order_clerk": Department.DESK, "warehouse_clerk": Department.WAREHOUSE, "buyer": Department.BUYING,
    "customer_service": Department.SERVICE, "bookkeeper": Department.FINANCE, "owner": Department.OWNER,
    "ops_admin": Department.DESK,
}  # fmt: skip
BUILT_IN: tuple[tuple[str, Any, str], ...] = (
    ("all", _("All"), ""),
    ("mine", _("Held, for my department"), ""),  # filled in for the person
    ("late", _("Late"), "due=late"),
    ("soon", _("Soon late"), "due=soon"),
    ("today", _("To be shipped today"), "due=today"),
    ("unpaid", _("Not paid"), "state__exact=unpaid"),
    ("presale", _("Presale"), "waits=presale"),
    ("backorder", _("Backordered"), "waits=backorder"),
    ("marked", _("Marked"), "mark=*"),
    ("urgent", _("High priority"), "priority=7"),
)


class Refused(YikuError):
    """The view was not saved."""


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """One view as it stands above the list."""

    key: str
    name: str
    query: str
    url: str
    active: bool = False
    row: SavedView | None = None
    mine: bool = False
    lost: tuple[str, ...] = ()  # names of filters that are not there any more

    @property
    def saved(self) -> bool:
        """Whether a person made it."""
        return self.row is not None


def cleaned(text: str) -> str:
    """Return the filters, search and order of an address, without the page it was on. Raises Refused."""
    asked = QueryDict(text.lstrip("?"), mutable=True)
    empty = [key for key in asked if not asked[key] or "\0" in key + "".join(asked.getlist(key))]
    for name in [*CURSOR_PARAMETERS, VIEW, "e", "_popup", "_to_field", *empty]:
        asked.pop(name, None)
    found = asked.urlencode()
    if len(found) > LONGEST:
        raise Refused("view_too_long", _("These filters are too many for a view."))
    return found


def without_search(query: str) -> str:
    """Return the filters of a view for the audit trail: what was searched for may be a buyer's name or number."""
    asked = QueryDict(query, mutable=True)
    if asked.pop("q", None):
        asked["q"] = masking.DOT
    return asked.urlencode()


def known_part(model_admin: Any, request: HttpRequest, query: str) -> tuple[str, tuple[str, ...]]:
    """Return what of a view's filters the list still knows, and the names of those it does not."""
    asked, lost = QueryDict(query, mutable=True), []
    for name in list(asked):
        if name not in FREE and not model_admin.lookup_allowed(name, asked[name], request):
            asked.pop(name)
            lost.append(name)
    return asked.urlencode(), tuple(lost)


def mine(user: Any) -> Any:
    """Return the saved views a person may use: her own, and those shared with one of her roles."""
    shared = Q(role__in=roles.roles_of(user)) if not user.is_superuser else ~Q(role="")
    return SavedView.objects.filter(Q(owner=user.pk) | shared).select_related("owner").order_by("pk")


def department_of(user: Any) -> str:
    """Return whose held orders a person looks at first."""
    return next((str(DEPARTMENTS[role]) for role in DEPARTMENTS if role in roles.roles_of(user)), "")


def shown(model_admin: Any, request: HttpRequest, setting: ListSetting | None = None) -> list[Shown]:
    """Return the views of this person in her order: one query."""
    here, base = request.GET.get(VIEW, ""), reverse(LIST)
    found: dict[str, Shown] = {}
    for key, name, query in BUILT_IN:
        if key == "mine":
            department = department_of(request.user)
            query = f"state__exact=held&hold_department__exact={department}" if department else ""
            if not query:
                continue
        url = f"{base}?{VIEW}={key}" + (f"&{query}" if query else "")
        found[key] = Shown(key, str(name), query, url, active=here == key)
    for row in mine(request.user)[:MOST_VIEWS]:
        key = f"v{row.pk}"
        query, lost = known_part(model_admin, request, row.query)
        url = f"{base}?{VIEW}={key}" + (f"&{query}" if query else "")
        own = row.owner_id == request.user.pk
        found[key] = Shown(key, row.name, query, url, here == key, row, own, lost)
    places = setting.places if setting is not None and isinstance(setting.places, list) else []
    ordered = [key for key in places if key in found]
    return [found[key] for key in [*ordered, *(key for key in found if key not in ordered)]]


def setting_of(user: Any) -> ListSetting | None:
    """Return how this person has the list."""
    return ListSetting.objects.filter(user=user.pk).first()


def first_view(model_admin: Any, request: HttpRequest, setting: ListSetting | None) -> str:
    """Return where a bare visit to the list leads: the person's first view; empty for the list itself."""
    if request.GET or request.method != "GET" or setting is None or setting.first in ("", "all"):
        return ""
    return next((one.url for one in shown(model_admin, request) if one.key == setting.first), "")


def tell_lost(request: HttpRequest, views: Sequence[Shown]) -> None:
    """Say when the open view has a filter that is not there any more."""
    lost = next((one.lost for one in views if one.active), ())
    if lost:
        text = _now("This view asks for a filter that does not exist any more: %s. It is shown without it.")
        messages.warning(request, text % ", ".join(lost))


def page_size(request: HttpRequest) -> int:
    """Return how many rows the list shows."""
    text = request.GET.get(PER, "")
    return int(text) if text in {str(size) for size in SIZES} else SIZES[0]


# --- pages -----------------------------------------------------------------------------------------------------------


def _may(request: HttpRequest) -> None:
    if not request.user.has_perm("orders.view_order"):
        raise PermissionDenied


def arrange(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The page on which a person names, orders and drops views."""
    _may(request)
    setting = setting_of(request.user)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _now("Views of the order list"),
        "opts": model_admin.opts,
        "views": shown(model_admin, request, setting),
        "first": (setting.first if setting else "") or "all",
        "roles": shareable(request.user),
        "labels": {name: str(label) for name, label in roles.ROLES.items()},
    }
    return TemplateResponse(request, "admin/orders/order/views_page.html", context)


def shareable(user: Any) -> list[tuple[str, str]]:
    """Return the roles a person may share views with: her own; owner and operations manager: all."""
    held = roles.roles_of(user)
    every = user.is_superuser or bool(held & {"owner", "ops_admin"})
    return [(name, str(label)) for name, label in roles.ROLES.items() if every or name in held]


def do(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Save, rename, share, drop or move a view, or let it open first."""
    _may(request)
    work = _WORK.get(request.POST.get("do", ""))
    if work is None:
        raise Http404
    try:
        there = work(model_admin, request)
    except YikuError as refusal:
        messages.error(request, str(refusal))
        there = ""
    back = reverse("admin:orders_order_views")
    return HttpResponseRedirect(there or back)


def _name(request: HttpRequest) -> str:
    name = request.POST.get("name", "").replace("\0", "").strip()[:60]
    if not name:
        raise Refused("view_name", _("Give the view a name."))
    return name


def _role(request: HttpRequest) -> str:
    role = request.POST.get("role", "")
    if role and role not in dict(shareable(request.user)):
        raise Refused("view_role", _("You can share views with your own roles only."))
    return role


def _own(request: HttpRequest) -> SavedView:
    text = request.POST.get("key", "").removeprefix("v")
    rows = SavedView.objects.filter(pk=int(text) if text.isdecimal() and len(text) < 18 else 0)
    row = rows.first() if request.user.is_superuser else rows.filter(owner=request.user.pk).first()
    if row is None:
        raise Refused("view_gone", _("This view is not yours, or was dropped."))
    return row


def _save(model_admin: Any, request: HttpRequest) -> str:
    name, role, query = _name(request), _role(request), cleaned(request.POST.get("query", ""))
    own = SavedView.objects.filter(owner=request.user.pk)
    if own.count() >= MOST_VIEWS and not own.filter(name=name).exists():
        raise Refused("view_many", _("You have 50 views; drop one first."))
    values = {"role": role, "query": query, "updated_at": clock.now()}
    row, made = SavedView.objects.update_or_create(owner_id=request.user.pk, name=name, defaults=values)
    audit.record(
        action="view.save",
        target=row,
        request=request,
        after={"name": name, "role": role, "query": without_search(query)},
    )
    told = _now("The view “%s” is saved.") if made else _now("The view “%s” shows these filters now.")
    messages.success(request, told % name)
    return f"{reverse(LIST)}?{VIEW}=v{row.pk}" + (f"&{query}" if query else "")


def _rename(model_admin: Any, request: HttpRequest) -> str:
    row, name, role = _own(request), _name(request), _role(request)
    if SavedView.objects.filter(owner=row.owner_id, name=name).exclude(pk=row.pk).exists():
        raise Refused("view_name_taken", _("You have a view of this name already."))
    row.name, row.role, row.updated_at = name, role, clock.now()
    row.save(update_fields=["name", "role", "updated_at"])
    audit.record(action="view.rename", target=row, request=request, after={"name": name, "role": role})
    return ""


def _drop(model_admin: Any, request: HttpRequest) -> str:
    row = _own(request)
    audit.record(
        action="view.drop", target=row, request=request, before={"name": row.name, "query": without_search(row.query)}
    )
    row.delete()
    messages.success(request, _now("The view “%s” is dropped.") % row.name)
    return ""


def _first(model_admin: Any, request: HttpRequest) -> str:
    key = request.POST.get("key", "")
    if key not in {one.key for one in shown(model_admin, request)}:
        raise Refused("view_gone", _("This view is not yours, or was dropped."))
    ListSetting.objects.update_or_create(
        user_id=int(request.user.pk or 0), defaults={"first": "" if key == "all" else key}
    )
    return ""


def _move(model_admin: Any, request: HttpRequest) -> str:
    setting = setting_of(request.user)
    keys = [one.key for one in shown(model_admin, request, setting)]
    key, step = request.POST.get("key", ""), -1 if request.POST.get("do") == "up" else 1
    if key in keys:
        place = keys.index(key)
        other = max(0, min(len(keys) - 1, place + step))
        keys[place], keys[other] = keys[other], keys[place]
    ListSetting.objects.update_or_create(user_id=int(request.user.pk or 0), defaults={"places": keys})
    return ""


_WORK = {"save": _save, "rename": _rename, "drop": _drop, "first": _first, "up": _move, "down": _move}


def counts(model_admin: Any, request: HttpRequest) -> JsonResponse:
    """Tell how many orders each view shows, up to a hundred; asked for once the list stands, it costs that nothing."""
    _may(request)
    asked = request.GET.get("keys", "").split(",")[:MOST_VIEWS]
    found = {one.key: one.query for one in shown(model_admin, request) if one.key in asked and one.key != "all"}
    return JsonResponse({key: _count(model_admin, request, query) for key, query in found.items()})


def _count(model_admin: Any, request: HttpRequest, query: str) -> str:
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL statement_timeout = '800ms'")
            rows = found_by(model_admin, request.user, query)
            count = rows.order_by().values("pk")[:MOST_COUNTED].count()
    except (DatabaseError, Refused):  # not cheap, or not to be read: no figure
        return ""
    return "99+" if count >= MOST_COUNTED else str(count)


def found_by(model_admin: Any, user: Any, query: str) -> Any:
    """Return the orders that a view's filters find for a person, outside a page. Raises Refused."""
    request = HttpRequest()
    request.method, request.user = "GET", user
    request.GET = QueryDict(query)
    request.asked_for_rows_only = True  # type: ignore[attr-defined]
    try:
        return model_admin.get_changelist_instance(request).queryset
    except (IncorrectLookupParameters, SuspiciousOperation):
        raise Refused("view_unreadable", _("These conditions cannot be read. Choose them again.")) from None
