"""Message templates: written in both languages, looked at with a real order, tried on oneself."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextareaWidget

from backoffice import audit, clock
from backoffice.adminkit import YikuModelAdmin
from backoffice.errors import YikuError
from backoffice.messages import queueing, templates
from backoffice.models import MessageTemplate

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[MessageTemplate]
else:
    ModelForm = forms.ModelForm
TEXTS = ("subject_zh", "body_zh", "subject_en", "body_en")


class TemplateForm(ModelForm):
    """At least one language; no place that nothing fills."""

    class Meta:
        model = MessageTemplate
        fields = ["name", "code", "purpose", "channel", *TEXTS, "html", "hours_between", "active"]
        widgets = {name: UnfoldAdminTextareaWidget(attrs={"rows": 8}) for name in ("body_zh", "body_en")}

    def clean(self) -> dict[str, Any]:
        """Refuse unknown places, and a text that could not be sent."""
        data = super().clean() or {}
        for name in TEXTS:
            text = str(data.get(name) or "")
            unknown = templates.unknown_in(text)
            if unknown:
                self.add_error(name, _now("There is no variable “%s”.") % "”, “".join(unknown)[:80])
            if "\0" in text:
                self.add_error(name, _now("The text holds a character that cannot be stored."))
        if not (data.get("body_zh") or data.get("body_en")):
            self.add_error("body_zh", _now("Write the text in one language at least."))
        if data.get("channel") == MessageTemplate.Channel.EMAIL:
            for language in ("zh", "en"):
                if data.get(f"body_{language}") and not data.get(f"subject_{language}"):
                    self.add_error(f"subject_{language}", _now("An e-mail needs a subject."))
        return data


@admin.register(MessageTemplate)
class MessageTemplateAdmin(YikuModelAdmin):
    """Texts to customers."""

    form = TemplateForm
    empty_note = _("No template yet. Write one: what you tell a buyer whose order is late, for example.")
    list_display = ("title", "purpose", "channel", "languages", "active", "updated_at")
    list_display_links = ("title",)
    list_filter = ("purpose", "channel", "active")
    ordering = ("code",)
    change_form_outer_after_template = "admin/messages/preview.html"
    fieldsets = (
        (None, {"fields": (("name", "code"), ("purpose", "channel"))}),
        (_("Chinese"), {"fields": ("subject_zh", "body_zh")}),
        (_("English"), {"fields": ("subject_en", "body_en")}),
        (_("Sending"), {"fields": (("html", "hours_between", "active"),)}),
    )

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(test)
        return [path("<int:pk>/test/", page, name="backoffice_messagetemplate_test"), *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        more: dict[str, Any] = {"variables": templates.variables()}
        row = None
        if str(object_id or "").isdecimal() and len(str(object_id)) < 18:
            row = MessageTemplate.objects.filter(pk=object_id).first()
        if row is not None:
            more |= {"template_row": row, "previews": previews(request, row), "own_email": request.user.email}  # type: ignore[union-attr]
        return super().changeform_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: MessageTemplate, form: Any, change: bool) -> None:
        names = list(TemplateForm.Meta.fields)
        before = MessageTemplate.objects.filter(pk=obj.pk).values(*names).first() or {}
        obj.updated_at, obj.updated_by = clock.now(), request.user.get_username()
        super().save_model(request, obj, form, change)
        after = {name: getattr(obj, name) for name in names}
        audit.record(action="message.template", target=obj, before=before, after=after, summary=obj.code)

    @admin.display(description=_("name"))
    def title(self, row: MessageTemplate) -> str:
        """In words."""
        return str(row)

    @admin.display(description=_("languages"))
    def languages(self, row: MessageTemplate) -> str:
        """Which are written."""
        written = (("中文", row.body_zh), ("English", row.body_en))
        return " · ".join(name for name, body in written if body.strip())


def previews(request: HttpRequest, row: MessageTemplate) -> list[dict[str, str]]:
    """Return the template as a buyer would read it, in each language it is written in."""
    values = templates.example(request.user)
    found = []
    for language, name, body in (("zh", "中文", row.body_zh), ("en", "English", row.body_en)):
        if body.strip():
            subject, text = templates.render(row, values, language)
            found.append({"name": name, "language": language, "subject": subject, "body": text})
    return found


@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the template to oneself, by e-mail whatever its channel."""
    if not request.user.has_perm("backoffice.change_messagetemplate"):
        raise PermissionDenied
    row = MessageTemplate.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    language = "en" if request.POST.get("language") == "en" else "zh"
    subject, body = templates.render(row, templates.example(request.user), language)
    try:
        queueing.queue(
            channel="email", to=request.user.email, subject=subject or str(row), body=body,  # type: ignore[union-attr]
            reference=f"backoffice.user:{request.user.pk}", actor=audit.current_actor().name,
            key=f"test:{row.pk}:{uuid.uuid4().hex}", language=language, html=row.html, staff=True,
        )  # fmt: skip
        messages.success(request, _now("On its way to you."))
    except YikuError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("admin:backoffice_messagetemplate_change", args=[pk]))
