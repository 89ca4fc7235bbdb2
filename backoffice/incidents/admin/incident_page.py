"""The page of one incident: what is wrong, whose it is, by when, what was done; and the form for one by hand."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice import references
from backoffice.departments import Department
from backoffice.errors import YikuError
from backoffice.incidents import desk, kinds
from backoffice.incidents.admin import views, wording
from backoffice.incidents.sight import places, visible
from backoffice.models import Incident, IncidentCause, User
from backoffice.models.incidents import Severity
from backoffice.notices import incident_url

State = Incident.State


def show(model_admin: Any, request: HttpRequest, row: Incident) -> HttpResponse:
    """Render the page."""
    may_work = request.user.has_perm("backoffice.work_incident")
    targets = list(dict.fromkeys([row.target, *row.links.values_list("target", flat=True)[:20]]))
    kind = kinds.kind_of(row.kind)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{kinds.title_of(row.kind)} #{row.pk}",
        "opts": model_admin.opts,
        "original": row,
        "row": row,
        "sentence": kinds.sentence_of(row.kind, row.data),
        "advice": kind.advice,
        "owner": wording.owner(row),
        "clocks": _clocks(row),
        "facts": _facts(row),
        "about": list(references.describe(request, [one for one in targets if one]).values()),
        "history": _history(row),
        "departments": Department.choices,
        "people": people() if may_work and row.is_open else [],
        "causes": wording.causes_of(row) if may_work and row.is_open else [],
        "leads": kinds.buttons_of(request, row),
        "can": {
            "take": may_work and row.is_open and row.state != State.ACKNOWLEDGED,
            "work": may_work and row.is_open,
            "note": may_work,
            "reopen": may_work and not row.is_open,
        },
    }
    return TemplateResponse(request, "admin/incidents/page.html", context)


def _clocks(row: Incident) -> list[tuple[str, str, str, bool]]:
    """Each clock: what, by when, what is left, whether it is over."""
    found = []
    if row.is_open:
        for label, due, running in (
            (_("Take in hand by"), row.acknowledge_due, row.state != State.ACKNOWLEDGED),
            (_("Resolve by"), row.resolve_due, True),
        ):
            text, late = wording.left(due) if running else (_("done"), False)
            found.append((label, wording.moment(due), text, late))
    return found


def _facts(row: Incident) -> list[tuple[str, str]]:
    named = places()
    facts = [
        (_("Severity"), row.get_severity_display()),
        (_("Shop"), named.shops.get(row.shop_id or 0, "")),
        (_("Warehouse"), named.warehouses.get(row.warehouse_id or 0, "")),
        (_("Opened"), wording.moment(row.opened_at)),
        (_("Last seen"), f"{wording.moment(row.last_seen_at)} · {row.count} ×"),
        (_("In hand since"), _since(row)),
        (_("Assigned by"), row.rule.name if row.rule else _("the kind's own setting")),
    ]
    if row.level and row.is_open:
        person = row.escalated_person
        to = person.get_username() if person else wording.department(row.escalated_department)
        facts.append((_("Escalated to"), _("%(who)s (level %(level)d)") % {"who": to, "level": row.level}))
    if row.closed_at:
        facts.append((_("Closed"), f"{wording.moment(row.closed_at)} · {wording.actor(row.closed_by)}"))
    if row.cause:
        facts.append((_("Cause"), str(row.cause)))
    return [(label, value) for label, value in facts if value]


def _since(row: Incident) -> str:
    if row.acknowledged_at is None:
        return ""
    return f"{wording.moment(row.acknowledged_at)} · {wording.actor(row.acknowledged_by)}"


def _history(row: Incident) -> list[dict[str, Any]]:
    entries = list(row.entries.order_by("-id")[:200])
    named = wording.names(entries)
    return [
        {
            "at": one.at, "who": wording.actor(one.actor), "what": one.get_what_display(), "code": one.what,
            "more": wording.entry(one, named), "text": one.text,
        }
        for one in entries
    ]  # fmt: skip


def people() -> list[tuple[int, str]]:
    """Return who can be given an incident."""
    rows = User.objects.filter(is_active=True, is_staff=True).order_by("username")[:500]
    return [(one.pk, one.get_full_name() or one.get_username()) for one in rows]


def person_of(request: HttpRequest) -> User | None:
    """Return the person chosen in the form."""
    value = request.POST.get("person", "")
    return User.objects.filter(pk=int(value)).first() if value.isdecimal() and len(value) < 18 else None


def cause_of(request: HttpRequest) -> IncidentCause | None:
    """Return the cause chosen in the form."""
    value = request.POST.get("cause", "")
    known = IncidentCause.objects.filter(active=True)
    return known.filter(pk=int(value)).first() if value.isdecimal() and len(value) < 18 else None


# --- doing -----------------------------------------------------------------------------------------------------------


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button of the page says."""
    if not request.user.has_perm("backoffice.work_incident"):
        raise PermissionDenied
    row = visible(request.user).filter(pk=pk).first()
    work = WORK.get(request.POST.get("do", ""))
    if row is None or work is None:
        raise Http404
    try:
        messages.success(request, work(request, row))
    except YikuError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(incident_url(row.pk))


def _take(request: HttpRequest, row: Incident) -> str:
    desk.acknowledge(incident=row, user=cast(User, request.user))
    return _("It is in your hands. The clock to resolve it runs.")


def _assign(request: HttpRequest, row: Incident) -> str:
    desk.assign(
        incident=row, department=request.POST.get("department", ""), person=person_of(request),
        note=request.POST.get("text", ""),
    )  # fmt: skip
    return _("Assigned; they are told.")


def _resolve(request: HttpRequest, row: Incident) -> str:
    desk.resolve(incident=row, cause=cause_of(request), done=request.POST.get("text", ""))
    return _("Resolved. If it is reported again soon, it is opened again.")


def _note(request: HttpRequest, row: Incident) -> str:
    desk.note(incident=row, text=request.POST.get("text", ""))
    return _("Written into the history.")


def _reopen(request: HttpRequest, row: Incident) -> str:
    desk.reopen(incident=row, text=request.POST.get("text", ""))
    return _("Open again.")


WORK: dict[str, Callable[[HttpRequest, Incident], str]] = {
    "take": _take,
    "assign": _assign,
    "resolve": _resolve,
    "note": _note,
    "reopen": _reopen,
}


# --- by hand ---------------------------------------------------------------------------------------------------------


def add(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The form for what no source sees."""
    if request.method == "POST":
        try:
            row = _report(request)
            messages.success(request, _("Reported as #%d.") % row.pk)
            return HttpResponseRedirect(incident_url(row.pk))
        except YikuError as error:
            messages.error(request, str(error))
    context = {
        **model_admin.admin_site.each_context(request), "title": _("Report an incident"), "opts": model_admin.opts,
        "departments": Department.choices, "severities": Severity.choices, "shops": views.shops(request.user),
        "warehouses": views.warehouses(request.user), "token": request.POST.get("token") or uuid.uuid4().hex,
        "sent": request.POST,
    }  # fmt: skip
    return TemplateResponse(request, "admin/incidents/add.html", context)


def _report(request: HttpRequest) -> Incident:
    from backoffice import audit

    post = request.POST
    department, severity = post.get("department", ""), post.get("severity", "")
    return desk.report_by_hand(
        text=post.get("text", ""),
        actor=audit.current_actor().name,
        department=department if department in Department.values else "",
        severity=severity if severity in Severity.values else Severity.NORMAL.value,
        shop_id=_one_of(post.get("shop", ""), dict(views.shops(request.user))),
        warehouse_id=_one_of(post.get("warehouse", ""), dict(views.warehouses(request.user))),
        token=post.get("token", "")[:64].replace("\0", ""),
    )


def _one_of(value: str, known: dict[int, str]) -> int | None:
    return int(value) if value.isdecimal() and len(value) < 18 and int(value) in known else None
