"""Where scanning pages send a photo, and get the codes in it back."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from backoffice import scanning
from backoffice.scanning import PhotoRefused


@never_cache
@require_POST
def photo(request: HttpRequest) -> JsonResponse:
    """Answer `{"ok": true, "codes": [{"text", "kind"}]}`, or 400 with code and sentence. Needs no right but to be here.

    It tells nothing of the house: what a code means is asked by the page, with the rights of that page.
    """
    try:
        codes = scanning.read_sent(request.FILES.get("photo"))
    except PhotoRefused as error:
        return JsonResponse({"ok": False, "code": error.code, "message": str(error)}, status=400)
    return JsonResponse({"ok": True, "codes": [{"text": one.text, "kind": one.kind} for one in codes]})
