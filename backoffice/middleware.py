"""What every request passes: who acts, in which language and zone, how long a session lasts, what a page may do."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers, patch_cache_control
from django.utils.translation import gettext as _

from backoffice import audit, clock

GetResponse = Callable[[HttpRequest], HttpResponse]
STARTED, SEEN = "yiku_started", "yiku_seen"  # seconds since the epoch, in the session
LOCAL = {"127.0.0.1", "::1", ""}  # empty: a socket of this machine
SEEN_EVERY = 60  # seconds between two writes of SEEN: a refresh of the home page must not write each time


def security_headers(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponse]:
    """Close up every answer, also those that never reach Django's own middleware: too large, not at home, /healthz.

    A view that needs another policy sets its own.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in _closing(request):
            response.headers.setdefault(name, value)
        return response

    return middleware


def _closing(request: HttpRequest) -> Iterator[tuple[str, str]]:
    yield "Content-Security-Policy", settings.CONTENT_SECURITY_POLICY
    yield "X-Content-Type-Options", "nosniff"
    yield "X-Frame-Options", settings.X_FRAME_OPTIONS
    yield "Referrer-Policy", settings.SECURE_REFERRER_POLICY
    yield "Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY
    yield "Permissions-Policy", "camera=(self), geolocation=(), microphone=(), payment=()"
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        yield "Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"


def alive(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponse]:
    """Answer /healthz before hosts, sessions and redirects are looked at: it is asked by address, without a name."""

    def middleware(request: HttpRequest) -> HttpResponse:
        from backoffice.views import healthz

        return healthz(request) if request.path == "/healthz" else get_response(request)

    return middleware


def demo_at_home(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponse]:
    """Answer nobody but this machine while the demo, whose passwords are public, is on."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.DEMO and request.META.get("REMOTE_ADDR", "127.0.0.1") not in LOCAL:
            return HttpResponse("The demo answers this machine only.", status=403, content_type="text/plain")
        return get_response(request)

    return middleware


def body_limit(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse a body that is too large before a byte of it is read or written to the disk."""

    def middleware(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > settings.MOST_BODY_BYTES:
            text = _("The request is larger than %(most)d MB.") % {"most": settings.MOST_BODY_BYTES // 1024**2}
            return HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
        return get_response(request)

    return middleware


def plain_methods(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse what no page is written for: the admin's views would take a DELETE for a GET."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD", "POST"} and not request.path.startswith("/api/"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        return get_response(request)

    return middleware


def session_limits(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponse]:
    """End a session that was idle too long or has lasted too long, and keep its pages out of every cache."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            if _is_over(request):
                logout(request)
            else:
                _note(request)
        response = get_response(request)
        if request.user.is_authenticated or request.COOKIES.get(settings.SESSION_COOKIE_NAME):
            _keep_out_of_caches(response)
        return response

    return middleware


def _is_over(request: HttpRequest) -> bool:
    now = clock.now().timestamp()
    started = request.session.get(STARTED, now)
    seen = request.session.get(SEEN, now)
    return now - started > settings.SESSION_LONGEST or now - seen > settings.SESSION_IDLE + SEEN_EVERY


def _note(request: HttpRequest) -> None:
    now = clock.now().timestamp()
    if STARTED not in request.session:
        request.session[STARTED] = now
    if now - request.session.get(SEEN, 0) > SEEN_EVERY and "HTTP_X_YIKU_REFRESH" not in request.META:
        request.session[SEEN] = now  # a page that refreshes itself is nobody at the desk


def _keep_out_of_caches(response: HttpResponse) -> None:
    if "max-age=" not in response.get("Cache-Control", "") or "no-store" in response.get("Cache-Control", ""):
        add_never_cache_headers(response)
        patch_cache_control(response, no_store=True)


def preferences(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponse]:
    """Speak the user's language and show times in the user's zone."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated and user.language:
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
        zone = _zone(user.time_zone) if user.is_authenticated else None
        if zone is None:
            timezone.deactivate()
        else:
            timezone.activate(zone)
        return get_response(request)

    return middleware


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None  # a name that came with an old time zone database


def acting(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponse]:
    """Name the person who acts for everything that writes the audit trail during this request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with audit.acting_as(audit.user_actor(request.user, client_address(request))):
            return get_response(request)

    return middleware


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address; X-Forwarded-For counts only behind as many proxies as TRUSTED_PROXIES says."""
    hops = settings.TRUSTED_PROXIES
    chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if hops and len(chain) >= hops:
        return chain[-hops]
    return request.META.get("REMOTE_ADDR")
