"""The pages of two-factor sign-in: a person's own, the one that asks for a code, and the reset of another's."""

from __future__ import annotations

from typing import Any

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import authenticate
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from backoffice import twofactor
from backoffice.errors import YikuError
from backoffice.models import BackupCode, SecondFactor, User

CODE = {"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false"}


class CodeForm(forms.Form):
    """A code, asked of the person who signs in."""

    code = forms.CharField(
        label=gettext_lazy("Sign-in code"), max_length=20, strip=True, widget=UnfoldAdminTextInputWidget(attrs=CODE)
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def use(self) -> bool:
        """Check the code; True when it counted, otherwise the form says why not."""
        if not self.is_valid():
            return False
        try:
            twofactor.check(self.request.user, self.cleaned_data["code"])  # type: ignore[arg-type]
        except YikuError as error:
            self.add_error("code", str(error))
            return False
        return True


class PasswordCodeForm(CodeForm):
    """A code and the password: what an open desk that nobody guards must not be enough for."""

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("password", "code")

    def clean_password(self) -> str:
        """Ask as the log-in page does, so that guesses are counted there."""
        given: str = self.cleaned_data["password"]
        if authenticate(self.request, username=self.request.user.get_username(), password=given) != self.request.user:
            raise forms.ValidationError(_("This is not your password."))
        return given


@sensitive_post_parameters()
@never_cache
@staff_member_required
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for a code: after the password, and again before what needs a fresh one."""
    target = request.POST.get("next", request.GET.get("next", ""))
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = reverse("admin:index")
    form = CodeForm(request, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.use():
        twofactor.note(request)
        return HttpResponseRedirect(target)
    if twofactor.fresh(request):
        return HttpResponseRedirect(target)
    page = {"form": form, "next": target, "again": twofactor.passed(request)}
    return TemplateResponse(request, "admin/two_factor_code.html", _context(request, _("Two-factor sign-in"), **page))


@sensitive_post_parameters()
@never_cache
@staff_member_required
@require_http_methods(["GET", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """Set it up, make new back-up codes, switch it off."""
    user: User = request.user  # type: ignore[assignment]
    asked = request.POST.get("do", "")
    if asked == "start" and not user.two_factor_at:
        twofactor.start(user)
        return HttpResponseRedirect(reverse("two_factor"))
    if user.two_factor_at:
        return _switched_on(request, user, asked)
    return _switched_off(request, user, asked)


def _switched_off(request: HttpRequest, user: User, asked: str) -> HttpResponse:
    factor = SecondFactor.objects.defer("secret").filter(user=user).first()
    form = PasswordCodeForm(request, request.POST if asked == "confirm" else None)
    if factor and asked == "confirm" and form.is_valid():
        try:
            codes = twofactor.confirm(user, form.cleaned_data["code"])
        except YikuError as error:
            form.add_error("code", str(error))
        else:
            twofactor.note(request)
            return _show(request, codes=codes, fresh=True)
    try:
        drawn = _drawn(request, factor) if factor else {}
    except YikuError:  # the key it was written with is gone: a new one helps
        factor, drawn = None, {}
    return _show(request, factor=factor, form=form, must=twofactor.must_set_up(user), **drawn)


def _switched_on(request: HttpRequest, user: User, asked: str) -> HttpResponse:
    renew = CodeForm(request, request.POST if asked == "codes" else None, auto_id="new_%s")
    off = PasswordCodeForm(request, request.POST if asked == "off" else None, auto_id="off_%s")
    if asked == "codes" and renew.use():
        twofactor.note(request)
        return _show(request, codes=twofactor.new_backup_codes(user))
    if asked == "off" and off.is_valid() and off.use():
        twofactor.remove(user, action="two_factor.off")
        request.session.pop(twofactor.GIVEN, None)
        messages.success(request, _("Two-factor sign-in is switched off."))
        return HttpResponseRedirect(reverse("two_factor"))
    left = BackupCode.objects.filter(factor__user=user, used_at=None).count()
    return _show(request, since=user.two_factor_at, left=left, renew=renew, off=off)


def _drawn(request: HttpRequest, factor: SecondFactor) -> dict[str, str]:
    account = f"{request.user.get_username()}@{request.get_host()}"
    drawing = segno.make(twofactor.address(factor, account), micro=False)
    return {
        "drawing": drawing.svg_data_uri(scale=5, border=4, light="#fff"),
        "secret_text": twofactor.secret_text(factor),
        "account": account,
    }


def _show(request: HttpRequest, **page: Any) -> HttpResponse:
    # Who must set it up first sees no sidebar: each line of it would lead back here.
    bare = page.get("must") or page.get("fresh")
    layout = "unfold/layouts/unauthenticated.html" if bare else "admin/base_site.html"
    context = _context(request, _("Two-factor sign-in"), layout=layout, **page)
    return TemplateResponse(request, "admin/two_factor.html", context)


def _context(request: HttpRequest, title: str, **page: Any) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, **page}


@never_cache
def reset(request: HttpRequest, pk: int, may_change: Any) -> HttpResponse:
    """Take another person's lost device away, after a question and with a fresh code of one's own."""
    person = User.objects.filter(pk=pk).first()
    if not may_change(request, person):
        raise PermissionDenied
    if person is None:
        raise Http404
    if person.pk == request.user.pk:
        return HttpResponseRedirect(reverse("two_factor"))
    if not twofactor.fresh(request):
        return twofactor.ask(request)
    if request.method == "POST":
        twofactor.remove(person, action="two_factor.reset")
        messages.success(request, _("Two-factor sign-in of %s is reset.") % person.get_username())
        return HttpResponseRedirect(reverse("admin:backoffice_user_change", args=[person.pk]))
    title = _("Reset two-factor sign-in")
    return TemplateResponse(request, "admin/two_factor_reset.html", _context(request, title, person=person))
