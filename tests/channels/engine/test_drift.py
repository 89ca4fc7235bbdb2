"""Every hour all figures are compared: what is on its way is no drift; real drift is told and healed."""

import pytest

from channels import drift
from channels.connectors.base import ConnectorError
from channels.models import Account, DriftFinding, DriftState, PlatformObservation
from channels.push import jobs
from tests.channels.engine.conftest import settle_down
from tests.inventory import factories as stock


def test_agreeing_figures_are_seen_and_nothing_is_found(shop):
    run = drift.run(shop.account.pk)
    assert (run.outcome, run.compared, run.drifted, DriftFinding.objects.count()) == ("ok", 1, 0, 0)
    assert PlatformObservation.objects.filter(source="drift").count() == 1


def test_a_figure_changed_over_there_is_found_and_written_again(shop):
    shop.front.stock["A"] = 50
    run = drift.run(shop.account.pk)
    finding = DriftFinding.objects.get()
    assert (run.drifted, finding.kind, finding.ours, finding.theirs) == (1, "changed", 10, 50)
    settle_down(shop)
    assert shop.front.stock["A"] == 10
    finding.refresh_from_db()
    assert finding.state == DriftState.RESOLVED


def test_an_order_not_seen_yet_is_no_drift(shop):
    shop.front.buy(("A", 3))
    run = drift.run(shop.account.pk)
    assert (run.in_flight, run.drifted, DriftFinding.objects.count()) == (1, 0, 0)
    assert shop.front.stock["A"] == 7


def test_a_push_on_its_way_is_no_drift(shop):
    stock.stock(shop.sku, shop.place, -2)
    jobs.touch_stock([(shop.sku.pk, shop.place.pk)], cause="shipment")
    run = drift.run(shop.account.pk)
    assert (run.in_flight, run.drifted) == (1, 0)


def test_without_the_orders_nothing_is_called_drift(shop):
    shop.front.stock["A"] = 50
    shop.front.fail("pull_orders", ConnectorError("http_500"))
    run = drift.run(shop.account.pk)
    assert (run.in_flight, run.drifted) == (1, 0)


def test_a_write_that_was_said_done_and_never_done_is_called_ignored(shop, monkeypatch):
    from tests.channels.engine import shopfront

    def lie(self, one, before):
        return shopfront.StockResult(key=one.key, status=shopfront.WriteStatus.APPLIED)

    monkeypatch.setattr(shopfront.SwapConnector, "set", lie)
    stock.stock(shop.sku, shop.place, -2)
    jobs.touch_stock([(shop.sku.pk, shop.place.pk)], cause="shipment")
    settle_down(shop)
    drift.run(shop.account.pk)
    assert (DriftFinding.objects.get().kind, DriftFinding.objects.get().theirs) == ("ignored", 10)


def test_a_listing_that_is_gone_over_there_is_told_and_not_written(shop):
    del shop.front.stock["A"]
    drift.run(shop.account.pk)
    assert (DriftFinding.objects.get().kind, DriftFinding.objects.get().state) == ("missing", DriftState.OPEN)
    assert shop.front.called("push_stock") == 0


def test_drift_is_told_but_not_healed_when_healing_is_off(shop):
    Account.objects.update(heal_drift=False)
    shop.front.stock["A"] = 50
    drift.run(shop.account.pk)
    settle_down(shop)
    assert (shop.front.stock["A"], DriftFinding.objects.get().state) == (50, DriftState.OPEN)


def test_drift_everywhere_at_once_holds_the_writes(connect):
    from channels import listings

    made = connect()
    for number in range(12):
        sku = stock.sku()
        stock.stock(sku, made.place, 5)
        made.front.offer(f"L{number}", sku.code, 5)
    listings.sync(made.account.pk)
    settle_down(made)
    made.front.stock = dict.fromkeys(made.front.stock, 99)
    drift.run(made.account.pk)
    settle_down(made)
    assert set(made.front.stock.values()) == {99}
    assert Account.objects.get().writes_held_because == "drift_everywhere"


def test_with_the_switch_off_readings_are_kept_and_nothing_is_called_drift(connect):
    from tests.channels.engine.conftest import offering

    made = offering(connect(writes=False))
    made.front.stock["A"] = 50
    drift.run(made.account.pk)
    assert DriftFinding.objects.count() == 0
    assert PlatformObservation.objects.filter(source="drift", quantity=50).exists()


def test_a_difference_that_went_away_is_closed(shop):
    Account.objects.update(heal_drift=False)
    shop.front.stock["A"] = 50
    drift.run(shop.account.pk)
    shop.front.stock["A"] = 10
    drift.run(shop.account.pk)
    assert DriftFinding.objects.get().state == DriftState.RESOLVED


@pytest.mark.parametrize("times", [2, 3])
def test_the_same_difference_is_one_finding(shop, times):
    Account.objects.update(heal_drift=False)
    shop.front.stock["A"] = 50
    for _ in range(times):
        drift.run(shop.account.pk)
    assert DriftFinding.objects.count() == 1
