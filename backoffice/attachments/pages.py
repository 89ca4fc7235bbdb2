"""The addresses of attachments: add, open, remove. Who may is asked of the document, each time."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from backoffice import audit
from backoffice.attachments import files, keeping, owners
from backoffice.attachments.owners import Owner
from backoffice.errors import YikuError
from backoffice.models import Attachment

FIELD, MARK = "papers", "#attachments"


@require_POST
def add(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Keep the files that were chosen; each that is refused is named, the others stay."""
    owner = owners.of_kind(kind)
    document = owner.find(request, pk)
    if not owners.may_add(request.user, owner):
        raise PermissionDenied
    if not take(request, document) and not request.FILES.getlist(FIELD):
        messages.error(request, _("Choose a file first."))
    return HttpResponseRedirect(owner.url(document) + MARK)


def take(request: HttpRequest, document: Model) -> int:
    """Keep what came with a form for a document that the person may change; returns how many files were kept."""
    owner, kept = owners.of_row(document), 0
    priced = bool(owner.prices) and request.user.has_perm(owner.prices) and request.POST.get("priced") == "1"
    sent = request.FILES.getlist(FIELD)
    for file in sent[: keeping.MOST]:
        try:
            keeping.keep(document, file, name=file.name or "", actor=audit.current_actor().name, priced=priced)  # type: ignore[arg-type]
            kept += 1
        except YikuError as refusal:
            messages.error(request, str(refusal))
    if len(sent) > keeping.MOST:
        messages.error(request, _("Only the first %(most)s files were looked at.") % {"most": keeping.MOST})
    if kept:
        messages.success(request, ngettext("%(n)s file is attached.", "%(n)s files are attached.", kept) % {"n": kept})
    return kept


def _found(request: HttpRequest, token: str) -> tuple[Attachment, Owner, Any]:
    """Return an attachment of a document that the person sees; whether another is there is not told."""
    row = Attachment.objects.filter(token=token[:64]).first()
    if row is None:
        raise Http404
    kind, _colon, number = row.owner.partition(":")
    owner = owners.of_kind(kind)
    document = owner.find(request, int(number))
    if not owners.sees(request.user, owner, priced=row.priced):
        raise Http404
    return row, owner, document


@require_safe
def show(request: HttpRequest, token: str) -> HttpResponseBase:
    """A picture to look at, a PDF to save; a sentence where the file is not there (any more)."""
    row, owner, document = _found(request, token)
    path = keeping.path_of(row)
    if row.removed_at is not None or not path.is_file():
        said = str(keeping.gone(row)) if row.removed_at else ""
        context = {**admin.site.each_context(request), "title": row.name, "row": row, "said": said}
        context["back"] = owner.url(document) + MARK
        return TemplateResponse(request, "admin/attachments/missing.html", context, status=404)
    return files.answer(path, row.kind, row.name)


@require_POST
def remove(request: HttpRequest, token: str) -> HttpResponse:
    """Take an attachment away, with the reason."""
    row, owner, document = _found(request, token)
    me = audit.current_actor().name
    why = request.POST.get("why", "").replace("\0", "").strip()[:300]
    try:
        if not owners.may_remove(request.user, owner, document, by=row.by, me=me):
            raise keeping.locked(row)
        keeping.remove(document, row, actor=me, why=why)
        messages.success(request, _("Removed: “%(name)s”. Who and why stays.") % {"name": row.name})
    except YikuError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(owner.url(document) + MARK)
