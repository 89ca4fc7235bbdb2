"""Print papers of many orders into one file, in the order asked; each printing is counted and on the record.

What cannot be printed is told per order, with what to do; the rest goes into the file.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from backoffice import audit, clock, longwork, progress
from backoffice.errors import YikuError
from backoffice.models import AuditEntry, Upload, User
from backoffice.papers.merging import CleanPdf
from backoffice.papers.sheet import Sheet
from backoffice.spreadsheets import uploads
from inventory.access import sight, visible
from orders.fulfil import labels, offers
from orders.fulfil.papers import gather, invoices, label, own_labels, priced, slip
from orders.fulfil.papers.errors import PaperError
from orders.models import Invoice, Label, Order, PaperKind, PaperPrint, PrintRun, WaveOrder

MOST, NOW, BUY_NOW = 2_000, 250, 10  # orders in one print; up to so many are printed or bought while one waits
PAGE = 100
LONGEST_WAIT = 5.0  # seconds for a carrier that throttles
PURPOSE = "orders.papers"
TASK = "orders.tasks.print_papers"


@dataclasses.dataclass(frozen=True, slots=True)
class Printed:
    """What became of one order: `problem` is a sentence when a paper of it could not be printed."""

    order_id: int
    number: str
    problem: str = ""
    code: str = ""
    pages: int = 0


def begin(*, user: User, order_ids: Sequence[int], kinds: Sequence[str], buy: str = "") -> PrintRun:
    """Print now, or with the workers when it is long; the run tells the outcome and holds the file.

    `buy` first buys a label for each order without one: a service's key, or "cheapest".

    Raises PaperError too_many_orders, NoFont.
    """
    ids = list(dict.fromkeys(order_ids))
    if len(ids) > MOST:
        raise PaperError("too_many_orders", most=MOST)
    run = PrintRun.objects.create(
        owner=user, kinds=[one for one in kinds if one in PaperKind.values], order_ids=ids, buy=buy,
        started_at=clock.now(),        progress=progress.start("orders.print", user, len(ids)).row,
    )  # fmt: skip
    if len(ids) > (BUY_NOW if buy else NOW) and longwork.workers_alive():
        longwork.enqueue(TASK, run.pk)
    else:
        work(run.pk)
        run.refresh_from_db()
    return run


def work(pk: int) -> str:
    """Do it in the name of who asked, under the bar; a run that is done is left alone."""
    run = PrintRun.objects.select_related("owner", "progress").get(pk=pk)
    if run.ended_at is not None or run.progress is None:
        return "done already"
    return longwork.in_the_name_of(run.owner, run.progress.pk, lambda meter: _work(run, meter))


def _work(run: PrintRun, meter: progress.Meter) -> None:
    sheet = Sheet(title="Yiku")
    outcomes: list[Printed] = []
    for start in range(0, len(run.order_ids), PAGE):
        page = run.order_ids[start : start + PAGE]
        refused = _bought(run, page) if run.buy else {}
        printed = print_orders(sheet=sheet, user=run.owner, order_ids=page, kinds=run.kinds)
        outcomes += [_with_refusal(one, refused.get(one.order_id, "")) for one in printed]
        meter.step(len(page))
    if sheet.pages:
        name = f"papers-{run.pk}.pdf"
        upload = uploads.keep_made(sheet.content(), owner=run.owner, purpose=PURPOSE, name=name)
        run.upload = upload.token
    run.outcomes = [dataclasses.asdict(one) for one in outcomes]
    run.pages, run.ended_at = sheet.pages, clock.now()
    run.save(update_fields=["upload", "outcomes", "pages", "ended_at"])


def _bought(run: PrintRun, order_ids: Sequence[int]) -> dict[int, str]:
    """Buy what is missing, order by order, each with a key of this run; returns why not, where it was refused."""
    orders = {one.pk: one for one in visible(run.owner, Order.objects.filter(pk__in=order_ids))}
    plans, actor, seen = offers.plans_of(list(orders)), audit.current_actor().name, sight(run.owner).warehouses
    refused = {}
    for order_id in order_ids:
        if order_id in orders:
            outcome = offers.buy_for(
                order=orders[order_id], plan=plans.get(order_id), how=run.buy, actor=actor, warehouses=seen,
                key=f"run:{run.pk}:{order_id}",
            )  # fmt: skip
            refused[order_id] = _waited(outcome).problem
    return refused


def _waited(outcome: labels.BuyOutcome) -> labels.BuyOutcome:
    """A carrier that asks for a few seconds gets them; what it does not answer then is gone on with later."""
    label = outcome.label
    if label is None or label.state != Label.State.ASKED or label.not_before is None:
        return outcome
    seconds = (label.not_before - clock.now()).total_seconds()
    if seconds > LONGEST_WAIT:
        return outcome
    time.sleep(max(seconds, 0))
    return labels.outcome_of(label.order, labels.carry_out(label.pk))


def _with_refusal(printed: Printed, why: str) -> Printed:
    """The carrier's answer says more than that there is no label."""
    if not why:
        return printed
    return dataclasses.replace(printed, problem=why if printed.code == "no_label" else printed.problem or why)


def file_of(run: PrintRun) -> Upload:
    """Return the file of a run. Raises UploadGone after an hour, and for anybody but the owner."""
    return uploads.find(run.upload, owner=run.owner, purpose=PURPOSE)


@transaction.atomic
def print_orders(*, sheet: Sheet, user: User, order_ids: Sequence[int], kinds: Sequence[str]) -> list[Printed]:
    """Draw papers of orders the person sees or packs on a sheet, count them, and return each order's outcome."""
    actor = audit.current_actor().name
    for order_id in order_ids if PaperKind.INVOICE in kinds else ():
        _issued(user, order_id, actor)
    found = gather.read(order_ids, orders=printable(user, kinds))
    hide_labels(found, user)
    issued = {one.order_id: one for one in Invoice.objects.filter(order__in=found.orders)} if "invoice" in kinds else {}
    before = _counts(list(found.orders))
    labels = [one for of_order in found.labels.values() for one in of_order] if PaperKind.LABEL in kinds else []
    run = _Run(sheet, found, issued, before, actor, files=own_labels.read(labels, sheet=sheet) if labels else {})
    outcomes = [run.order(order_id, kinds) for order_id in order_ids]
    run.save()
    return outcomes


def printable(user: User, kinds: Sequence[str]) -> QuerySet[Order]:
    """Return the orders whose papers somebody may print: those seen, and slip and label of those on the own table."""
    seen = visible(user, Order.objects.all())
    if PaperKind.INVOICE in kinds:  # it shows amounts
        return seen
    return Order.objects.filter(Q(pk__in=seen.values("pk")) | Q(pk__in=on_the_table(user)))


def on_the_table(user: User) -> QuerySet[WaveOrder, int]:
    """Return the ids of the orders that somebody is packing now, of whatever shop, in a warehouse that is seen."""
    me = f"user:{user.pk} "
    mine = Q(packer__startswith=me) | Q(lead__packer__startswith=me)
    return visible(user, WaveOrder.objects.filter(mine, open=True)).values_list("order_id", flat=True)


def hide_labels(found: gather.Gathered, user: User) -> None:
    """Leave out labels of warehouses the person does not see."""
    seen = sight(user).warehouses
    if seen is not None:
        for order_id, labels in found.labels.items():
            found.labels[order_id] = [one for one in labels if one.warehouse_id in seen]


def _issued(user: User, order_id: int, actor: str) -> None:
    """Write the invoice of an order, if it may have one; the reason why not is told when it is drawn."""
    if visible(user, Order.objects.filter(pk=order_id)).exists():
        try:
            invoices.issue(order_id=order_id, actor=actor)
        except PaperError:
            return


def _counts(order_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    rows = PaperPrint.objects.filter(order__in=order_ids).values("order", "kind").annotate(times=Count("pk"))
    return {(order_id, kind): times for order_id, kind, times in rows.values_list("order", "kind", "times")}


class _Run:
    """The drawing of one page of orders, and what is to be written of it at the end."""

    def __init__(
        self, sheet: Sheet, found: gather.Gathered, issued: dict[int, Invoice], before: dict[tuple[int, str], int],
        actor: str, *, files: Mapping[int, CleanPdf | PaperError],
    ) -> None:  # fmt: skip
        self.sheet, self.found, self.issued, self.before, self.actor = sheet, found, issued, before, actor
        self.files = files
        self.now = clock.now()
        self.prints: list[PaperPrint] = []
        self.labels: list[int] = []

    def order(self, order_id: int, kinds: Sequence[str]) -> Printed:
        """Draw the papers of one order; a paper that cannot be drawn does not keep the others from it."""
        order = self.found.orders.get(order_id)
        if order is None:
            return Printed(order_id, "", str(PaperError("no_such_order")), "no_such_order")
        first, problems, code = self.sheet.pages, [], ""
        for kind in (one for one in KINDS if one in kinds):
            try:
                KINDS[kind](self, order)
            except YikuError as error:
                problems.append(str(error))
                code = code or error.code
            else:
                self._count(order, kind)
        return Printed(order_id, order.number, " ".join(problems), code, self.sheet.pages - first)

    def slip(self, order: Order) -> None:
        """Draw the packing slip."""
        slip.draw(self.sheet, gather.slip_facts(order, self.found))

    def label(self, order: Order) -> None:
        """Put in each of its labels: the carrier's own, else drawn by us; in place of one that is broken, why."""
        labels, problem = gather.labels_of(order, self.found), None
        ours = {one.pk: gather.label_facts(order, one, self.found) for one in labels if one.pk not in self.files}
        for one in labels:
            file = self.files.get(one.pk)
            if isinstance(file, PaperError):
                own_labels.draw_missing(self.sheet, one, order, file, language=self.found.language(order))
                problem = problem or file
                continue
            if file is not None:
                self.sheet.insert(file)
            else:
                label.draw(self.sheet, ours[one.pk])
            self.labels.append(one.pk)
        if problem is not None:
            if any(one.pk in self.labels for one in labels):
                self._count(order, PaperKind.LABEL.value)
            raise problem

    def invoice(self, order: Order) -> None:
        """Draw the invoice; from the second time on it is a copy."""
        issued = self.issued.get(order.pk)
        if issued is None:
            if order.state in invoices.NEVER:
                raise PaperError("not_to_invoice", number=order.number, state=order.get_state_display())
            raise PaperError("no_company")
        copy = (order.pk, PaperKind.INVOICE.value) in self.before
        priced.draw_invoice(self.sheet, invoices.from_json(issued.facts), copy=copy)

    def _count(self, order: Order, kind: str) -> None:
        self.prints.append(PaperPrint(order=order, kind=kind, at=self.now, actor=self.actor[:150]))

    def save(self) -> None:
        """Count the prints, mark the labels, write the audit rows."""
        PaperPrint.objects.bulk_create(self.prints)
        mark_printed(self.labels)
        audit.record_many(
            audit.Entry("papers.print", one.order, after={"paper": one.kind, "time": self._time(one)},
                        summary=one.order.number[:300], actor=self.actor)
            for one in self.prints
        )  # fmt: skip

    def _time(self, row: PaperPrint) -> int:
        return self.before.get((row.order_id, row.kind), 0) + 1


KINDS: dict[str, Callable[[_Run, Order], None]] = {
    PaperKind.SLIP.value: _Run.slip,
    PaperKind.LABEL.value: _Run.label,
    PaperKind.INVOICE.value: _Run.invoice,
}


def mark_printed(label_ids: Sequence[int]) -> None:
    """Note that labels were printed; one that is on a parcel already stays so."""
    now = clock.now()
    rows = Label.objects.filter(pk__in=label_ids)
    rows.filter(printed_at__isnull=True).update(printed_at=now)
    rows.filter(state=Label.State.BOUGHT).update(state=Label.State.PRINTED)


@transaction.atomic
def count_label(label: Label, actor: str) -> None:
    """Count the printing of a label's own file."""
    kind, now = PaperKind.LABEL, clock.now()
    times = PaperPrint.objects.filter(order=label.order_id, kind=kind).count() + 1
    PaperPrint.objects.create(order_id=label.order_id, kind=kind, at=now, actor=actor[:150])
    mark_printed([label.pk])
    after = {"paper": kind.value, "time": times, "tracking": label.tracking_number}
    audit.record(action="papers.print", target=label.order, actor=actor, after=after, summary=label.order.number[:300])


@transaction.atomic
def note_single(*, target: Any, paper: str, actor: str, summary: str) -> None:
    """Put the printing of a paper that is no order's own (a quote, a return slip) on the record, counted."""
    before = AuditEntry.objects.filter(action="papers.print", target=audit.target_text(target), after__paper=paper)
    after = {"paper": paper, "time": before.count() + 1}
    audit.record(action="papers.print", target=target, actor=actor, after=after, summary=summary[:300])


def summary(run: PrintRun) -> str:
    """Say in one line what a run brought."""
    bad = sum(1 for one in run.outcomes if one["problem"])
    good = len(run.outcomes) - bad
    return _("%(good)d orders printed on %(pages)d pages, %(bad)d with a problem.") % {
        "good": good, "pages": run.pages, "bad": bad,
    }  # fmt: skip


def counts(order_id: int) -> dict[str, Any]:
    """Return how often each paper of an order was printed."""
    return {kind: times for (_order, kind), times in _counts([order_id]).items()}
