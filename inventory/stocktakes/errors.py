"""What a stocktake refuses, each with what to do about it, and the door every action passes: the row under our lock."""

from __future__ import annotations

from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from backoffice import locks
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import access
from inventory.models import Stocktake

State = Stocktake.State
APPROVE = "inventory.approve_stockdocument"


class StocktakeRefused(YikuError):
    """The stocktake cannot do this now; the sentence says why and what helps. Nothing was changed."""


class AlreadyDone(YikuError):
    """Somebody else was faster: who, what and when."""

    def __init__(self, stocktake: Stocktake, who: User | None, when: Any) -> None:
        message = _("%(number)s is “%(state)s” already: %(who)s did it at %(when)s. Nothing was done twice.")
        moment = date_format(localtime(when), "SHORT_DATETIME_FORMAT") if when else "–"
        params = {"number": stocktake, "state": stocktake.get_state_display(), "who": who or "–", "when": moment}
        super().__init__("already_done", message, params=params)


def locked(stocktake_id: int) -> Stocktake:
    """Return the stocktake under our lock: a second click waits here and then sees what the first one did."""
    rows = locks.locked_rows(Stocktake.objects.filter(pk=stocktake_id))
    if not rows:
        raise Stocktake.DoesNotExist
    return rows[0]


def demand(stocktake: Stocktake, *states: str) -> None:
    """Raise AlreadyDone or StocktakeRefused unless the stocktake is in one of the states."""
    if stocktake.state in states:
        return
    if stocktake.state == State.POSTED:
        raise AlreadyDone(stocktake, stocktake.posted_by, stocktake.posted_at)
    if stocktake.state in (State.CANCELLED, State.UNDONE):
        raise AlreadyDone(stocktake, stocktake.ended_by, stocktake.ended_at)
    if stocktake.state in (State.COUNTED, State.REVIEW) and State.COUNTING in states:
        raise AlreadyDone(stocktake, stocktake.submitted_by, stocktake.submitted_at)
    message = _("%(number)s is “%(state)s”: this cannot be done with it now.")
    params = {"number": stocktake, "state": stocktake.get_state_display()}
    raise StocktakeRefused("not_in_this_state", message, params=params)


def demand_warehouse(stocktake: Stocktake, user: access.Doer) -> None:
    """Raise StocktakeRefused for a warehouse that is closed, kept by somebody else, or not the person's."""
    place = stocktake.warehouse
    if not place.active or place.read_only:
        message = _("%(warehouse)s is closed or its stock is kept by somebody else: nothing is counted there.")
        raise StocktakeRefused("warehouse_closed", message, params={"warehouse": place})
    if not access.may_see(user, place):
        raise StocktakeRefused("no_such_warehouse", _("There is no such warehouse."))


def demand_counter(stocktake: Stocktake, user: access.Doer) -> None:
    """Raise StocktakeRefused when people are named for this stocktake and who counts is none of them, as no key is."""
    who = access.person(user)
    if user is None or (who is not None and who.has_perm(APPROVE)):
        return
    named = set(stocktake.people.values_list("pk", flat=True))
    if named and (who is None or who.pk not in named):
        raise StocktakeRefused("not_yours_to_count", _("Other people are named to count this stocktake."))
