"""The demo seller's incidents and messages: what stands wrong at the end of the demo, through the real functions."""

from __future__ import annotations

from backoffice import audit, clock
from backoffice.errors import YikuError
from backoffice.incidents import desk
from backoffice.models import Incident, IncidentCause, IncidentRule, IncidentStep, MessageTemplate, User, WorkTime
from orders.desk import letters, troubles
from orders.models import Order

PRINTER, CARRIER = "demo-printer", "demo-carrier"
WRITTEN = (("address-platform", {"hold_code": "address"}), ("late-email", {"state": Order.State.APPROVED}))


def load() -> None:
    """Make them, once: a rule, what the orders show, two by hand, three taken in hand or resolved, some messages."""
    if IncidentRule.objects.exists():
        return
    _settings()
    troubles.look()
    clerk = User.objects.filter(groups__name="order_clerk").order_by("pk").first()
    if clerk is None:
        return
    with audit.acting_as(audit.user_actor(clerk)):
        _work(clerk)
        _letters()


def _settings() -> None:
    WorkTime.objects.get_or_create(pk=1, defaults={"quiet_channels": ["sms"], "updated_at": clock.now()})
    owner = User.objects.filter(groups__name="owner").order_by("pk").first()
    rule = IncidentRule.objects.create(
        name="缺货先给采购 Shortages to buying", place=10, kind=troubles.SHORTAGE, department="buying",
        acknowledge_minutes=60, resolve_hours=16,
    )  # fmt: skip
    IncidentStep.objects.create(rule=rule, level=1, department="operations")
    IncidentStep.objects.create(rule=rule, level=2, person=owner, department="owner")
    IncidentRule.objects.create(
        name="客户要起诉 Threats of the law", place=5, words="起诉\n律师\nlawyer\ncourt", department="owner",
        set_severity="critical", acknowledge_minutes=30, round_the_clock=True,
    )  # fmt: skip


def _work(clerk: User) -> None:
    actor = audit.current_actor().name
    broken = desk.report_by_hand(
        text="2 号打包台标签打印机卡纸，面单打不出来。The label printer at bench 2 jams.", actor=actor,
        department="warehouse", severity="high", token=PRINTER,
    )  # fmt: skip
    desk.note(incident=broken, text="已换备用机，等维修。The spare one is in use; repair is called.")
    done = desk.report_by_hand(
        text="承运商今天少收了一车。The carrier left one cage behind.", actor=actor, department="warehouse",
        token=CARRIER,
    )  # fmt: skip
    desk.acknowledge(incident=done, user=clerk)
    cause = IncidentCause.objects.filter(kind="", code="other").first()
    desk.resolve(incident=done, cause=cause, done="承运商下午补收。Collected in the afternoon.")
    mine = Incident.objects.filter(kind=troubles.SHORTAGE, state=Incident.State.OPEN).order_by("pk")
    desk.acknowledge_many(ids=list(mine.values_list("pk", flat=True)[:2]), user=clerk)


def _letters() -> None:
    for code, which in WRITTEN:
        template = MessageTemplate.objects.filter(code=code).first()
        if template is None:
            continue
        orders = Order.objects.filter(**which).select_related("shop", "contact").order_by("pk")[:2]
        for order in orders:
            try:
                letters.write(
                    order=order, template=template, actor=audit.current_actor().name, key=f"demo:{code}:{order.pk}"
                )
            except YikuError:
                continue  # this buyer left no address
