"""The pages of imports: what can go in and out, the upload, the preview and the result of each file."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from unfold.widgets import UnfoldAdminFileFieldWidget

from backoffice.errors import YikuError
from backoffice.imports import applying, reading, sheets, tasks
from backoffice.imports.kinds import ExportKind, ImportKind, UnknownKind, import_kind_of, kind_of, kinds
from backoffice.models import ImportRun, User
from backoffice.spreadsheets import uploads

SEE_ALL = "backoffice.view_importrun"
RECENT, ROWS_A_PAGE = 30, 100
TABS = ("all", "bad", "new", "change", "kept")


class FileForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label=_("file"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".xlsx,.csv,.tsv,.txt"}),
        help_text=_(".xlsx or .csv; headers in Chinese or English, in any order. An empty cell leaves what is there."),
    )


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What this person may bring in and take out, and the files of late."""
    lists = [_list(request, kind) for kind in kinds() if kind.may_see(request.user)]
    context = {
        **admin.site.each_context(request),
        "title": _now("Import and export"),
        "lists": lists,
        "runs": [_line(run) for run in _runs(request)[:RECENT]],
    }
    return TemplateResponse(request, "admin/imports/index.html", context)


def _list(request: HttpRequest, kind: type[ExportKind]) -> dict[str, Any]:
    imports = issubclass(kind, ImportKind) and kind.may_import(request.user)
    return {"key": kind.key, "title": kind.title, "note": kind.note, "imports": imports}


def _runs(request: HttpRequest) -> Any:
    rows = ImportRun.objects.select_related("owner", "progress")
    if not request.user.has_perm(SEE_ALL):
        rows = rows.filter(owner=cast(User, request.user))
    return rows


def _line(run: ImportRun) -> dict[str, Any]:
    try:
        title = kind_of(run.kind).title
    except UnknownKind:
        title = run.kind
    return {"run": run, "title": title}


def _import_kind(request: HttpRequest, key: str) -> type[ImportKind]:
    try:
        kind = import_kind_of(key)
    except UnknownKind:
        raise Http404 from None
    if not kind.may_import(request.user):
        raise PermissionDenied
    return kind


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, kind: str) -> HttpResponse:
    """Upload a file."""
    chosen = _import_kind(request, kind)
    posted = request.method == "POST"
    form = FileForm(request.POST, request.FILES) if posted else FileForm()
    more = _options_form(chosen, request)
    if posted and form.is_valid() and (more is None or more.is_valid()):
        run = _taken_in(form, chosen, cast(User, request.user), more.cleaned_data if more else {})
        if run is not None:
            return HttpResponseRedirect(reverse("import_run", args=[run.pk]))
    context = {
        **admin.site.each_context(request),
        "title": _now("Import: %s") % chosen.title,
        "kind": chosen,
        "form": form,
        "more": more,
        "columns": chosen.columns,
        "empty": not ImportRun.objects.filter(kind=kind, owner=cast(User, request.user)).exists(),
    }
    return TemplateResponse(request, "admin/imports/start.html", context)


def _options_form(kind: type[ImportKind], request: HttpRequest) -> Any:
    if kind.options_form is None:
        return None
    data = request.POST if request.method == "POST" else None
    return kind.options_form(data, user=request.user)  # type: ignore[call-arg]


def _taken_in(form: FileForm, kind: type[ImportKind], user: User, options: dict[str, Any]) -> ImportRun | None:
    """The run of the file, read or being read; None with the refusal on the form."""
    file = form.cleaned_data["file"]
    run = None
    try:
        mark = reading.fingerprint(file, options)
        reading.refuse_twin(kind.key, mark)
        kept = uploads.keep(file, owner=user, purpose=tasks.PURPOSE)
        run = reading.start(kind=kind.key, user=user, file_name=kept.original_name, mark=mark, options=options)
        tasks.begin_reading(run, kept)
    except YikuError as refusal:
        form.add_error("file", str(refusal))
        return None
    return run


def _run_of(request: HttpRequest, pk: int) -> tuple[ImportRun, type[ImportKind]]:
    """A run of the person's own (or any, for who sees all) of a list this person may bring in; else 404."""
    run = _runs(request).filter(pk=pk).first()
    try:
        kind = import_kind_of(run.kind) if run else None
    except UnknownKind:
        kind = None
    if run is None or kind is None or not kind.may_import(request.user):
        raise Http404
    return run, kind


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The file being read, its preview, or what became of it."""
    run, kind = _run_of(request, pk)
    only = request.GET.get("rows", "all")
    only = only if only in TABS else "all"
    rows = run.rows.exclude(outcome="out").defer("cells", "values", "memory").order_by("row")
    if only == "kept":
        rows = rows.exclude(note="")
    elif only != "all":
        rows = rows.filter(outcome=only)
    page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))
    titles = {one.key: str(one.title) for one in kind.columns} | {key: str(one) for key, one in kind.effects.items()}
    ours = kind(cast(User, request.user), run.options)
    context = {
        **admin.site.each_context(request),
        "title": f"{kind.title} · {run.file_name}",
        "run": run,
        "kind": kind,
        "rows": [_shown(row, ours, titles) for row in page],
        "overview": _overview(ours, run),
        "page": page,
        "only": only,
        "mine": run.owner_id == request.user.pk,
        "running": tasks.is_running(run),
        "unread": _unread_headers(run),
        "can_undo": run.state == "applied" or (run.state == "undone" and run.kept_count),
        "list_url": _list_url(kind),
    }
    return TemplateResponse(request, "admin/imports/run.html", context)


def _overview(kind: ImportKind, run: ImportRun) -> dict[str, Any] | None:
    """The documents of the file and what they come to, its cells marked where they are figures."""
    found = kind.overview(run) if run.state not in ("reading", "failed") else None
    if found is None:
        return None
    figures = [place in found.numbers for place in range(len(found.heads))]
    rows = [
        {"cells": list(zip(found.heads, row, figures, strict=True)), "problem": problem}
        for row, problem in zip_longest(found.rows, found.problems, fillvalue="")
    ]
    heads = list(zip(found.heads, figures, strict=True))
    return {"title": found.title, "notes": found.notes, "heads": heads, "rows": rows}


def _shown(row: Any, kind: ImportKind, titles: dict[str, str]) -> dict[str, Any]:
    changes = [
        (titles.get(key, key), kind.shown(key, old), kind.shown(key, new)) for key, (old, new) in row.changes.items()
    ]
    problems = [(titles.get(column, ""), letter, what) for column, letter, what in row.problems]
    return {"row": row, "changes": changes, "problems": problems}


def _unread_headers(run: ImportRun) -> list[str]:
    """The headers of the file that no column of ours answers to: said, not swallowed."""
    header = run.head[-1] if run.head else []
    known = set(run.places.values())
    return [str(cell)[:40] for place, cell in enumerate(header) if cell not in (None, "") and place not in known][:20]


def _list_url(kind: type[ImportKind]) -> str:
    try:
        return reverse(kind.change_list) if kind.change_list else ""
    except NoReverseMatch:
        return ""


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Import, drop, or take back."""
    run, _kind = _run_of(request, pk)
    do = {"all": _apply_all, "good": _apply_good, "drop": _drop, "undo": _undo}.get(request.POST.get("do", ""))
    if do is None:
        raise Http404
    try:
        return HttpResponseRedirect(do(request, run))
    except YikuError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse("import_run", args=[pk]))


def _apply_all(request: HttpRequest, run: ImportRun) -> str:
    return _apply(request, run, skip_bad=False)


def _apply_good(request: HttpRequest, run: ImportRun) -> str:
    return _apply(request, run, skip_bad=True)


def _apply(request: HttpRequest, run: ImportRun, *, skip_bad: bool) -> str:
    if tasks.begin_applying(run, cast(User, request.user), skip_bad=skip_bad):
        run.refresh_from_db()
        said = _now("%(new)d new, %(update)d changed, %(skip)d as they were.")
        counts = {"new": run.new_count, "update": run.change_count, "skip": run.same_count}
        messages.success(request, said % counts)
    return reverse("import_run", args=[run.pk])


def _drop(request: HttpRequest, run: ImportRun) -> str:
    applying.drop(run_id=run.pk)
    messages.success(request, _now("The file was dropped. Nothing of it was imported."))
    return reverse("imports")


def _undo(request: HttpRequest, run: ImportRun) -> str:
    if tasks.begin_undoing(run, cast(User, request.user)):
        run.refresh_from_db()
        said = _now("%(undone)d rows taken back, %(kept)d stay as they are.")
        messages.success(request, said % {"undone": run.undone_count, "kept": run.kept_count})
    return reverse("import_run", args=[run.pk])


@require_safe
def errors(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The person's own file with the reason beside each row."""
    run, _kind = _run_of(request, pk)
    return sheets.errors(request, run)


@require_safe
def template(request: HttpRequest, kind: str) -> HttpResponseBase:
    """An empty sheet to fill in."""
    return sheets.template(request, _import_kind(request, kind))


@require_safe
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The list as a workbook, or as CSV."""
    try:
        chosen = kind_of(kind)
    except UnknownKind:
        raise Http404 from None
    if not chosen.may_see(request.user):
        raise PermissionDenied
    return sheets.export(request, chosen(cast(User, request.user)), as_csv=request.GET.get("as") == "csv")
