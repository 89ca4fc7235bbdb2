"""Matches by file: which SKU a listing is, row by row, through the same function as the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit
from backoffice.imports.errors import KeptAsIs
from backoffice.imports.kinds import CHANGE, NEW, SAME, Done, ImportKind, Line, Plan, plain
from backoffice.spreadsheets.schema import Column
from channels import matching
from channels.models import Account, Listing, ListingMatch
from inventory import access, codes
from inventory.importing import goods
from inventory.models import Sku


class ListingKind(ImportKind):
    """One row is one listing and the SKU it stands for."""

    key = "channels.listings"
    title = _("Listings and their SKUs")
    note = _("One row says which SKU a listing is. Listings themselves come from the shops.")
    view, change, order = ("channels.view_listing",), ("channels.match_listing",), 70
    change_list = "admin:channels_listing_changelist"
    columns = (
        Column("sku", _("our SKU"), ("sku", "sku code", "系统编码", "本地编码", "我方编码", "商品编码"), "code",
               optional_cell=True, longest=100),
        Column("shop", _("shop"), ("shop code", "店铺", "店铺编码", "account"), required=False, longest=120),
        Column("external_id", _("platform's id"), ("平台ID", "平台商品ID", "listing id", "id", "skuid"), "reference",
               required=False, longest=200),
        Column("sku_text", _("SKU on the platform"), ("平台编码", "平台SKU", "商家编码", "platform sku"), "code",
               required=False, longest=200),
        Column("pieces", _("pieces per unit sold"), ("件数", "数量", "quantity"), "decimal", required=False),
        Column("title", _("title"), ("标题", "商品标题", "name"), required=False),
    )  # fmt: skip
    examples = (("00123", "S1", "gid://shopify/ProductVariant/1", "ABC-1", "1", ""),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = access.visible(self.user, Account.objects.select_related("shop"))
        self._accounts: dict[str, list[int]] = defaultdict(list)
        for one in accounts:
            for word in {one.shop.code.casefold(), one.shop.name.casefold(), one.name.casefold()}:
                self._accounts[word].append(one.pk)
        self._seen: dict[int, int] = {}

    def plan(self, lines: Sequence[Line]) -> list[Plan]:
        skus = goods.named(lines, "sku")
        found = self._listings(lines)
        rows = ListingMatch.objects.filter(listing__in={one.pk for many in found.values() for one in many})
        standing = {row.listing_id: row for row in rows.filter(valid_to__isnull=True).select_related("sku")}
        return [self._plan(line, skus, found[line.row], standing) for line in lines]

    def _listings(self, lines: Sequence[Line]) -> dict[int, list[Listing]]:
        """The listings each line may mean: by the platform's id, else by the SKU there, within the shop named."""
        ids = {line.values["external_id"] for line in lines} - {None}
        texts = {codes.normalise(line.values["sku_text"]) for line in lines} - {""}
        rows = access.visible(self.user, Listing.objects.filter(Q(external_id__in=ids) | Q(sku_key__in=texts)))
        by_id, by_text = defaultdict(list), defaultdict(list)
        for row in rows.select_related("account__shop"):
            by_id[row.external_id].append(row)
            by_text[row.sku_key].append(row)
        found = {}
        for line in lines:
            external_id, text = line.values["external_id"], codes.normalise(line.values["sku_text"])
            meant = by_id[external_id] if external_id else by_text[text] if text else []
            shop = line.values["shop"]
            chosen = self._accounts.get(shop.casefold(), []) if shop else None
            found[line.row] = [one for one in meant if chosen is None or one.account_id in chosen]
        return found

    def _plan(self, line: Line, skus: dict[str, Sku], meant: list[Listing], standing: Mapping[int, Any]) -> Plan:
        name = line.values["external_id"] or line.values["sku_text"] or line.values["sku"] or ""
        if line.values["sku"] is None:  # as exported: nobody has said yet what it is
            return Plan(line, SAME, name)
        sku = goods.one(line, "sku", skus)
        column = "external_id" if line.values["external_id"] or not line.values["sku_text"] else "sku_text"
        if len(meant) != 1:
            line.refuse(column, self._why(line, meant))
        pieces = Decimal(1) if line.values["pieces"] is None else line.values["pieces"]
        if pieces <= 0:
            line.refuse("pieces", _now("More than zero, please."))
        if sku is None or line.problems:
            return Plan(line, name=name)
        listing = meant[0]
        first = self._seen.setdefault(listing.pk, line.row)
        if first != line.row:
            line.refuse(column, _now("“%(name)s” stands in row %(row)s already") % {"name": name, "row": first})
        match = standing.get(listing.pk)
        changes = _changes(match, sku, pieces)
        outcome = SAME if not changes else CHANGE if match else NEW
        return Plan(line, outcome, f"{listing.account.shop.code} · {listing}", changes, (listing, sku, pieces, match))

    def _why(self, line: Line, meant: list[Listing]) -> str:
        if line.values["shop"] and line.values["shop"].casefold() not in self._accounts:
            return _now("“%(shop)s” is not a shop of yours") % {"shop": line.values["shop"]}
        if len(meant) > 1:
            return _now("%(count)s listings are meant by it: name the shop, or the platform's id") % {
                "count": len(meant)
            }
        if not line.values["external_id"] and not line.values["sku_text"]:
            return _now("Give the platform's id, or the SKU on the platform.")
        return _now("There is no such listing: read the shop's listings first.")

    def apply(self, plan: Plan) -> Done:
        listing, sku, pieces, match = plan.found
        made = matching.choose(listing=listing, sku=sku, quantity_per=pieces, actor=audit.current_actor().name)
        before = [match.sku_id, plain(match.quantity_per)] if match else None
        return Done(f"channels.listing:{listing.pk}", {"match": made.pk, "before": before})

    def undo(self, target: str, memory: Mapping[str, Any]) -> None:
        match = ListingMatch.objects.filter(pk=memory["match"], valid_to__isnull=True).select_related("listing").first()
        if match is None:
            raise KeptAsIs(_("Changed since: the listing has another match now."))
        actor = audit.current_actor().name
        if memory["before"] is None:
            matching.unmatch(listing=match.listing, actor=actor)
            return
        sku_id, pieces = memory["before"]
        sku = Sku.objects.get(pk=sku_id)
        matching.choose(listing=match.listing, sku=sku, quantity_per=Decimal(pieces), actor=actor)

    def out_rows(self) -> Iterator[Sequence[Any]]:
        standing = ListingMatch.objects.filter(valid_to__isnull=True, listing__in=self._seen_listings())
        matches = {row.listing_id: row for row in standing.select_related("sku").iterator(chunk_size=2_000)}
        rows = self._seen_listings().select_related("account__shop").order_by("account__shop__code", "pk")
        for row in rows.iterator(chunk_size=2_000):
            match = matches.get(row.pk)
            yield (match.sku.code if match else None, row.account.shop.code, row.external_id, row.sku_text,
                   match.quantity_per if match else None, row.title)  # fmt: skip

    def _seen_listings(self) -> Any:
        return access.visible(self.user, Listing.objects.all())


def _changes(match: ListingMatch | None, sku: Sku, pieces: Decimal) -> dict[str, list[Any]]:
    changes = {}
    if match is None or match.sku_id != sku.pk:
        changes["sku"] = [match.sku.code if match else None, sku.code]
    if plain(match.quantity_per if match else Decimal(1)) != plain(pieces):
        changes["pieces"] = [plain(match.quantity_per) if match else "1", plain(pieces)]
    return changes
