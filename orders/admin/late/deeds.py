"""What the buttons of a late play do; each tells what became of every order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from backoffice import audit
from backoffice.adminkit import Outcome, report_outcomes
from backoffice.errors import YikuError
from backoffice.incidents import causes
from backoffice.messages import MessageTemplate
from backoffice.models import IncidentCause, User
from inventory.access import sight, visible
from orders.admin.late.begin import number
from orders.admin.late.play_facts import left_out
from orders.desk.table import RowOutcome
from orders.late import closing, compensations, pausing, plays, serving, supply
from orders.late import messages as letters
from orders.models import CompensationPreset, LatePlay, Order, PlayOrder

RUN, CONFIRM = "orders.run_lateplay", "orders.confirm_supplydraft"


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button says and go back to the page."""
    if not request.user.has_perm("orders.view_lateplay"):
        raise PermissionDenied
    play = plays.seen(LatePlay.objects.filter(pk=pk), sight(request.user).shops).first()
    if play is None:
        raise Http404
    name, _colon, argument = request.POST.get("do", "").partition(":")
    permission, work = WORK.get(name, ("", None))
    if work is None:
        raise Http404
    if not request.user.has_perm(permission):
        raise PermissionDenied
    try:
        work(request, play, argument)
    except YikuError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("admin:orders_lateplay_change", args=[pk]) + anchor(name))


def anchor(name: str) -> str:
    """Where on the page the person was."""
    places = {"draft": "#goods", "confirm": "#goods", "drop": "#goods", "serve": "#orders", "give": "#orders"}
    return places.get(name, "")


def _who() -> str:
    return audit.current_actor().name


def _text(request: HttpRequest, name: str, most: int = 500) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()[:most]


def _chosen(request: HttpRequest, play: LatePlay) -> list[int]:
    """The ticked orders of the play that this person sees, as the table has them."""
    ticked = [number(one) for one in request.POST.getlist("chosen")][: plays.MOST]
    seen = visible(request.user, PlayOrder.objects.filter(play=play, order__in=ticked))
    there = set(seen.values_list("order_id", flat=True))
    return [pk for pk in dict.fromkeys(ticked) if pk in there]


def _cause(request: HttpRequest) -> IncidentCause | None:
    return causes.for_kind("late").filter(pk=number(request.POST.get("cause", ""))).first()


def _pause(request: HttpRequest, play: LatePlay, argument: str) -> None:
    shops, again = sight(request.user).shops, bool(request.POST.get("resume_on_arrival"))
    pausing.pause(play_id=play.pk, actor=_who(), shops=shops, resume_on_arrival=again)
    messages.success(request, _("Paused: every shop shows 0 in a moment."))


def _resume(request: HttpRequest, play: LatePlay, argument: str) -> None:
    left = pausing.resume(play_id=play.pk, actor=_who(), shops=sight(request.user).shops)
    goes_on, in_part = _("The sale goes on as before."), _("The sale goes on in your shops; in others it stays paused.")
    messages.success(request, in_part if left.paused else goes_on)


def _look(request: HttpRequest, play: LatePlay, argument: str) -> None:
    new = plays.look_again(play_id=play.pk, actor=_who(), shops=sight(request.user).shops)
    told = ngettext("%(count)d more order.", "%(count)d more orders.", new) % {"count": new}
    messages.success(request, told if new else _("No more orders: all that wait are here."))


def _draft(request: HttpRequest, play: LatePlay, argument: str) -> None:
    wish = supply.Wish(
        kind=argument, sku_id=play.sku_id or 0, quantity=_text(request, "quantity", 40),
        origin_id=number(request.POST.get("origin", "")) or None,
        destination_id=number(request.POST.get("destination", "")) or None,
        supplier=_text(request, "supplier", 200), expected_on=_day(request, "expected_on"), note=play.title,
    )  # fmt: skip
    if play.sku_id is None:
        raise Http404
    supply.draft(
        wish=wish, actor=_who(), once=_text(request, "once", 50) + argument[:10], seen=sight(request.user), play=play
    )
    messages.success(request, _("Drafted: it stands on the list of supplies for the warehouse and the buyers."))


def _confirm(request: HttpRequest, play: LatePlay, argument: str) -> None:
    row = play.drafts.filter(pk=number(argument)).first()
    if row is None:
        raise Http404
    supply.confirm(draft_id=row.pk, actor=_who(), seen=sight(request.user))
    messages.success(request, _("Done: %s.") % row)


def _drop(request: HttpRequest, play: LatePlay, argument: str) -> None:
    row = play.drafts.filter(pk=number(argument)).first()
    if row is None:
        raise Http404
    supply.cancel(draft_id=row.pk, actor=_who(), seen=sight(request.user))
    messages.success(request, _("Dropped: %s.") % row)


def _serve(request: HttpRequest, play: LatePlay, argument: str) -> None:
    if not request.user.has_perm("orders.decide_order"):
        raise PermissionDenied
    others = bool(request.POST.get("take_from_others"))
    told = serving.serve_first(play_id=play.pk, order_ids=_chosen(request, play), actor=_who(), take_from_others=others)
    gave = [one for one in told if one.code == "gave_up"]
    done = ngettext("%(count)d order has its goods.", "%(count)d orders have their goods.", sum(one.ok for one in told))
    _report(request, [one for one in told if one not in gave], done)
    if gave:
        lost = ngettext("%(count)d order gave its goods up.", "%(count)d orders gave their goods up.", len(gave))
        messages.warning(request, lost % {"count": len(gave)})


def _give(request: HttpRequest, play: LatePlay, argument: str) -> None:
    preset = CompensationPreset.objects.filter(pk=number(request.POST.get("preset", ""))).first()
    if preset is None:
        raise YikuError("no_preset", _("Choose what to give; presets are made under Settings of orders."))
    told = compensations.give(
        user=cast(User, request.user), actor=_who(), preset=preset, order_ids=_chosen(request, play), play=play
    )
    asked = sum(one.code == "asked" for one in told)
    given = [one for one in told if one.code != "asked"]
    done = ngettext("Given to %(count)d order.", "Given to %(count)d orders.", sum(one.ok for one in given))
    _report(request, given, done)
    if asked:
        text = ngettext(
            "%(count)d order is above your limit: it waits for approval.",
            "%(count)d orders are above your limit: they wait for approval.", asked,
        )  # fmt: skip
        messages.warning(request, text % {"count": asked})


def _decide(request: HttpRequest, play: LatePlay, argument: str) -> None:
    answer, _colon, key = argument.partition(":")
    row = visible(request.user, play.compensations.filter(pk=number(key))).first()
    if row is None:
        raise Http404
    good = answer == "yes"
    compensations.decide(compensation_id=row.pk, user=cast(User, request.user), actor=_who(), good=good)
    messages.success(request, _("Approved and given.") if good else _("Refused."))


def _message(request: HttpRequest, play: LatePlay, argument: str) -> None:
    template = MessageTemplate.objects.filter(code=_text(request, "template", 40)).first()
    day = _day(request, "new_date")
    if day is not None and day != play.new_date:
        LatePlay.objects.filter(pk=play.pk).update(new_date=day)
    found = letters.send(play_id=play.pk, template=template, order_ids=_chosen(request, play), actor=_who())
    count = len(found.letters)
    told = ngettext("%(count)d message is on its way.", "%(count)d messages are on their way.", count)
    messages.success(request, told % {"count": count})
    rest = left_out(found)
    if rest:
        messages.info(request, _("Left out: %s") % "; ".join(rest))


def _set_cause(request: HttpRequest, play: LatePlay, argument: str) -> None:
    chosen = _chosen(request, play) if argument == "orders" else []
    if argument == "orders" and not chosen:
        raise YikuError("play_no_orders", _("Choose at least one order."))
    plays.set_cause(play_id=play.pk, cause=_cause(request), actor=_who(), order_ids=chosen)
    messages.success(request, _("The cause is recorded."))


def _close(request: HttpRequest, play: LatePlay, argument: str) -> None:
    closing.close(
        play_id=play.pk, actor=_who(), cause=_cause(request), note=_text(request, "note"),
        shops=sight(request.user).shops,
    )  # fmt: skip
    messages.success(request, _("Closed. The monthly review counts it."))


def _day(request: HttpRequest, name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(_text(request, name, 10))
    except ValueError:
        return None


def _report(request: HttpRequest, told: Sequence[RowOutcome], done: str) -> None:
    numbers = dict(Order.objects.filter(pk__in=[one.order_id for one in told]).values_list("pk", "number"))
    outcomes = [
        Outcome(
            numbers.get(one.order_id, ""), "" if one.ok else one.message,
            reverse("admin:orders_order_change", args=[one.order_id]),
        )
        for one in told
    ]  # fmt: skip
    report_outcomes(request, outcomes, done)


Work = Callable[[HttpRequest, LatePlay, str], None]
WORK: dict[str, tuple[str, Work | None]] = {
    "pause": (RUN, _pause),
    "resume": (RUN, _resume),
    "look": (RUN, _look),
    "draft": (RUN, _draft),
    "confirm": (CONFIRM, _confirm),
    "drop": (RUN, _drop),
    "serve": (RUN, _serve),
    "give": (RUN, _give),
    "decide": (compensations.APPROVE, _decide),
    "message": (RUN, _message),
    "cause": (RUN, _set_cause),
    "close": (RUN, _close),
}
