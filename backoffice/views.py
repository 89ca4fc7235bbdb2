"""The few pages which the ground serves beside the admin."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import check_for_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language as django_set_language

from backoffice import health, home
from backoffice.models import Progress, User


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Tell a load balancer whether everything is alive: 200 only then, 503 naming what is dead, nothing more."""
    report = health.report()
    return JsonResponse(report, status=200 if report["ok"] else 503)


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Switch the language, and remember it for the person who is logged in."""
    response = django_set_language(request)
    language = request.POST.get("language", "")
    if request.user.is_authenticated and check_for_language(language):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return response


@require_safe
@never_cache
@staff_member_required
def home_cards(request: HttpRequest) -> HttpResponse:
    """Return the cards of the home page as they are now."""
    return HttpResponse(home.fragment(request))


@require_safe
@never_cache
@staff_member_required
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Return how far a job of this person is: JSON, or the bar itself with `?html`. Others' jobs do not exist."""
    row = Progress.objects.filter(pk=pk, owner_id=request.user.pk).first()
    if row is None:
        raise Http404
    if "html" in request.GET:
        return HttpResponse(render_to_string("admin/progress_bar.html", {"progress": row}, request))
    return JsonResponse(
        {"state": row.state, "done": row.done, "total": row.total, "message": row.message, "result": row.result}
    )


@never_cache
def search(request: HttpRequest) -> HttpResponse:
    """Unfold's search among the pages; a page number that does not exist is not there, instead of an error of ours."""
    try:
        return admin.site.search(request)  # type: ignore[attr-defined]  # unfold's site
    except InvalidPage:
        raise Http404 from None
