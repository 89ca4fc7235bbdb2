"""Read what the papers of many orders need, in a fixed number of queries, and turn it into facts."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from backoffice import clock
from orders.desk.phones import masked
from orders.fulfil.papers.errors import PaperError
from orders.fulfil.papers.facts import AddressFacts, CompanyFacts, LabelFacts, PaperLine, SlipFacts
from orders.models import Company, Label, Order, OrderLine, OrderLinePart, SenderAddress, ShopPapers, SlipSize

ADDRESS = ("name", "company", "phone", "line1", "line2", "city", "region", "postcode", "country")
PRINTABLE = (Label.State.BOUGHT, Label.State.PRINTED, Label.State.USED)


@dataclasses.dataclass(slots=True)
class Gathered:
    """Everything about some orders that papers show."""

    orders: dict[int, Order]
    lines: dict[int, list[OrderLine]]
    parts: dict[int, list[tuple[str, Decimal]]]
    labels: dict[int, list[Label]]
    shops: dict[int, ShopPapers]
    senders: dict[int, SenderAddress]
    company: Company

    def language(self, order: Order) -> str:
        """The language of an order's papers."""
        own = self.shops.get(order.shop_id)
        return own.language if own is not None else self.company.language


def company() -> Company:
    """Return the company's row; an empty one as long as nobody filled it in."""
    return Company.objects.filter(pk=1).first() or Company(pk=1)


def read(order_ids: Iterable[int], *, orders: Any = None) -> Gathered:
    """Read orders (of the queryset `orders`, what whoever prints may see) with all that stands on papers."""
    ids = list(dict.fromkeys(order_ids))
    rows = (Order.objects.all() if orders is None else orders).filter(pk__in=ids).select_related("shop", "contact")
    found = {one.pk: one for one in rows}
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__in=found).select_related("sku").order_by("position", "pk"):
        lines[line.order_id].append(line)
    parts: dict[int, list[tuple[str, Decimal]]] = defaultdict(list)
    of_lines = OrderLinePart.objects.filter(line__order__in=found).order_by("sku__code_key")
    for line_id, code, pieces in of_lines.values_list("line_id", "sku__code", "quantity"):
        parts[line_id].append((code, pieces))
    labels: dict[int, list[Label]] = defaultdict(list)
    bought = Label.objects.filter(order__in=found, state__in=PRINTABLE, to_void=False).defer("request", "pdf")
    for label in bought.select_related("account", "service").order_by("parcel"):
        labels[label.order_id].append(label)
    return Gathered(
        orders=found, lines=lines, parts=parts, labels=labels, company=company(),
        shops={one.shop_id: one for one in ShopPapers.objects.all()},
        senders={one.warehouse_id: one for one in SenderAddress.objects.all()},
    )  # fmt: skip


def language_of(shop_id: int) -> str:
    """Return the language of a shop's papers."""
    own = ShopPapers.objects.filter(shop=shop_id).values_list("language", flat=True).first()
    return own or company().language


def company_facts(row: Company) -> CompanyFacts:
    """Return the company as papers show it."""
    return CompanyFacts(**{one.name: getattr(row, one.name) for one in dataclasses.fields(CompanyFacts)})


def address_facts(values: Mapping[str, Any] | SenderAddress) -> AddressFacts:
    """Return an address as papers show it."""
    if isinstance(values, SenderAddress):
        return AddressFacts(**{name: getattr(values, name) for name in ADDRESS})
    return AddressFacts(**{name: str(values.get(name) or "") for name in ADDRESS})


def recipient(order: Order) -> AddressFacts:
    """Return where an order goes. Raises PaperError no_address, masked_address."""
    contact = getattr(order, "contact", None)
    values = contact.shipping if contact is not None else {}
    found = address_facts(values)
    if not (found.line1 or found.city) or not (found.name or found.company):
        raise PaperError("no_address", number=order.number)
    if values.get("masked") or "*" in found.name + found.line1 or masked(found.phone):
        raise PaperError("masked_address", number=order.number)
    return found if found.phone or contact is None else dataclasses.replace(found, phone=contact.phone)


def slip_facts(order: Order, all_of_it: Gathered) -> SlipFacts:
    """Return the packing slip of what is still wanted; a masked address stays masked, the goods matter here."""
    own = all_of_it.shops.get(order.shop_id)
    contact = getattr(order, "contact", None)
    labels = all_of_it.labels.get(order.pk, [])
    return SlipFacts(
        number=order.number,
        shop=order.shop.name,
        placed_at=order.placed_at,
        recipient=address_facts(contact.shipping if contact is not None else {}),
        lines=[_line(one, all_of_it) for one in all_of_it.lines.get(order.pk, []) if one.quantity > 0],
        company=company_facts(all_of_it.company),
        buyer_note=contact.buyer_note if contact is not None else "",
        note=own.slip_note if own is not None else "",
        method=order.shipping_method,
        tracking=", ".join(one.tracking_number for one in labels),
        language=all_of_it.language(order),
        small=own is not None and own.slip_size == SlipSize.LABEL,
    )


def _line(line: OrderLine, all_of_it: Gathered) -> PaperLine:
    return PaperLine(
        sku=line.sku.code if line.sku else line.sku_code,
        title=line.title,
        quantity=line.quantity,
        parts=tuple((code, pieces * line.quantity * line.pack) for code, pieces in all_of_it.parts.get(line.pk, ())),
    )


def label_facts(order: Order, label: Label, all_of_it: Gathered) -> LabelFacts:
    """Return a label as we draw it. Raises PaperError no_address, masked_address."""
    sender = all_of_it.senders.get(label.warehouse_id)
    data = label.data if isinstance(label.data, dict) else {}
    return LabelFacts(
        carrier=label.account.name,
        service=label.service.name,
        number=label.tracking_number,
        sender=address_facts(sender) if sender is not None else AddressFacts(name=all_of_it.company.name),
        recipient=recipient(order),
        reference=order.number,
        weight_g=label.weight_g,
        parcel=label.parcel,
        parcels=max(len(all_of_it.labels.get(order.pk, ())), label.parcel),
        route=str(data.get("route") or ""),
        station=str(data.get("station") or ""),
        qr=str(data.get("qr") or ""),
        note=label.note,
        printed_at=clock.now(),
        language=all_of_it.language(order),
    )


def labels_of(order: Order, all_of_it: Gathered) -> Sequence[Label]:
    """Return the labels an order is sent with. Raises PaperError no_label, masked_address, no_address."""
    labels = all_of_it.labels.get(order.pk, [])
    if not labels:
        recipient(order)  # why it cannot have one comes first
        raise PaperError("no_label", number=order.number)
    return labels
