"""Real threads on a real PostgreSQL: a play is begun once, a code given once, and nobody waits for ever."""

import threading
import time

import pytest
from django.db import transaction

from inventory.access import EVERYTHING
from orders.late import compensations, messages, plays, supply
from orders.models import Compensation, CouponCode, LatePlay, PlayMessage, SupplyDraft
from tests.inventory import factories as stock
from tests.inventory.threads import errors, together
from tests.orders.factories import Seller
from tests.orders.late.build import LI, ids, play_of, preset, short_seller, template

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
WU = "user:8 wu"


def test_two_people_who_begin_a_play_for_one_sku_at_once_get_the_same():
    seller, begun = short_seller(0, 10, 20), threading.Event()
    sku_id = seller.skus["MUG"].pk

    def slowly():
        with transaction.atomic():
            found = plays.begin(actor=LI, once="a", sku_id=sku_id)
            begun.set()
            time.sleep(0.5)  # not committed yet
        return found

    def meanwhile():
        begun.wait(30)
        return plays.begin(actor=WU, once="b", sku_id=sku_id)

    results = together(slowly, meanwhile)
    assert errors(results) == []
    (first, new), (second, joined) = results
    assert (first, new, joined) == (second, True, False)
    assert LatePlay.objects.get().orders.count() == 2


def test_a_double_click_writes_and_gives_once(people):
    seller, text = short_seller(0, 10, 20), template()
    play, made, boss = play_of(seller), preset(fixed_code=""), people["ops_admin"]
    compensations.add_codes(preset=made, text="A\nB\nC\nD", actor=LI)
    chosen = ids(seller, 1, 2)
    boss.has_perm("orders.approve_compensation")

    def press():
        given = compensations.give(user=boss, actor=LI, preset=made, order_ids=chosen, play=play)
        try:
            messages.send(play_id=play.pk, template=text, order_ids=chosen, actor=LI)
        except messages.LateError as error:
            return error.code
        return [one.code for one in given]

    results = together(press, press)
    assert errors(results) == []
    assert "message_none" in results
    assert Compensation.objects.count() == PlayMessage.objects.count() == 2
    assert CouponCode.objects.filter(given_to=None).count() == 2


def test_transfers_in_opposite_directions_do_not_wait_for_each_other():
    seller = Seller(warehouses=2, MUG=50)
    first, second = seller.places
    stock.stock(seller.skus["MUG"], second, 50, "4")

    def draft(number, origin, destination):
        wish = supply.Wish(
            kind="transfer", sku_id=seller.skus["MUG"].pk, quantity="2", origin_id=origin.pk,
            destination_id=destination.pk,
        )  # fmt: skip
        return supply.draft(wish=wish, actor=LI, once=str(number), seen=EVERYTHING).pk

    there = [draft(n, first, second) for n in range(8)]
    back = [draft(100 + n, second, first) for n in range(8)]

    def confirm(keys):
        return lambda: [supply.confirm(draft_id=pk, actor=LI, seen=EVERYTHING).state for pk in keys]

    results = together(confirm(there), confirm(back))
    assert errors(results) == []
    assert SupplyDraft.objects.filter(state="confirmed").count() == 16
    assert (seller.buckets("MUG"), seller.buckets("MUG", second)) == ((50, 0, 0), (50, 0, 0))
