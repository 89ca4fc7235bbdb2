"""The slip of a return, as page and as PDF, and its pictures."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backoffice.attachments import files
from backoffice.errors import YikuError
from backoffice.papers import svg
from orders.admin import buyers
from orders.admin.papers import kit as papers
from orders.admin.returns import kit
from orders.fulfil.papers import printing, single
from orders.models import OrderContact, ReturnPhoto
from orders.returns import photos, slip
from orders.returns import sight as rights


@require_safe
def slip_view(request: HttpRequest, pk: int) -> HttpResponse:
    """The return slip for print, in the reader's language."""
    found = kit.get_return(request, pk)
    if not found.goods:
        raise Http404
    facts = slip.facts_of(found)
    return kit.page(
        request, "slip", _("Return slip %s") % found.number, facts=facts, found=found,
        bars=svg.code128(facts.number, height=60), qr=svg.qr(facts.number),
        has_place=bool(facts.address),
    )  # fmt: skip


@require_safe
def slip_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The return slip as a file, in the language of the shop's papers; on the record."""
    found = kit.get_return(request, pk)
    if not found.goods:
        raise Http404
    contact = OrderContact.objects.filter(order=found.order_id).first()
    customer: dict[str, str] = {}
    if contact is not None and buyers.may_see(request):
        customer = buyers.address(contact.shipping, clear=buyers.may_print(request))
    try:
        content = single.return_slip_pdf(slip.paper_of(found, customer=customer))
    except YikuError as error:
        messages.error(request, str(error))
        return kit.to(found)
    printing.note_single(target=found, paper="return_slip", actor=kit.who(), summary=found.number)
    return papers.pdf(content, f"return-{found.number}.pdf")


@require_safe
def photo(request: HttpRequest, token: str) -> HttpResponseBase:
    """One picture, for who may see what it is of; never cached by others, never run by a browser."""
    row = ReturnPhoto.objects.filter(token=token[:64]).first()
    if not (request.user.has_perm(rights.VIEW) or request.user.has_perm("orders.view_strayparcel")):
        raise PermissionDenied
    if row is None or not rights.may_see_photo(request.user, row) or not photos.path_of(row).is_file():
        raise Http404
    return files.answer(photos.path_of(row), row.kind)
