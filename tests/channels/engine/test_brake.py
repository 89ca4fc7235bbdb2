"""Many zeros at once are more often a mistake than a sell-out: a person is asked first."""

import pytest

from channels import listings
from channels.models import Account, BrakeState, JobState, PublicationLog, PushBrake, PushJob, SyncError
from channels.push import brake, jobs, send
from tests.channels.engine.conftest import settle_down
from tests.inventory import factories as stock


@pytest.fixture
def six(connect):
    """Six listings with 5 pieces each, a brake at three."""
    made = connect()
    made.skus = [stock.sku() for _ in range(6)]
    for number, sku in enumerate(made.skus):
        stock.stock(sku, made.place, 5)
        made.front.offer(f"L{number}", sku.code, 5)
    Account.objects.filter(pk=made.account.pk).update(zero_brake=3)
    listings.sync(made.account.pk)
    settle_down(made)
    return made


def sell_out(made, *numbers):
    """Nothing is left of these."""
    for number in numbers:
        stock.stock(made.skus[number], made.place, -5)
    jobs.touch_stock([(made.skus[number].pk, made.place.pk) for number in numbers], cause="count")
    send.run(made.account.pk)


def test_a_few_zeros_go_out(six):
    sell_out(six, 0, 1, 2)
    assert [six.front.stock[f"L{number}"] for number in range(4)] == [0, 0, 0, 5]


def test_too_many_zeros_wait_and_the_other_figures_go_out(six):
    stock.stock(six.skus[5], six.place, -1)
    jobs.touch_stock([(six.skus[5].pk, six.place.pk)], cause="shipment")
    sell_out(six, 0, 1, 2, 3)
    assert [six.front.stock[f"L{number}"] for number in range(6)] == [5, 5, 5, 5, 5, 4]
    assert PushJob.objects.filter(state=JobState.PARKED, code="brake").count() == 4
    assert PublicationLog.objects.filter(mode="held").count() == 4
    assert SyncError.objects.get().params == {"listings": 4, "limit": 3}


def test_small_batches_do_not_slip_through_one_by_one(six):
    sell_out(six, 0, 1)
    sell_out(six, 2, 3)
    assert [six.front.stock[f"L{number}"] for number in range(4)] == [0, 0, 5, 5]


def test_after_the_window_zeros_go_out_again(six, later):
    sell_out(six, 0, 1)
    later(minutes=11)
    sell_out(six, 2, 3)
    assert [six.front.stock[f"L{number}"] for number in range(4)] == [0, 0, 0, 0]


def test_an_approved_batch_goes_out(six):
    sell_out(six, 0, 1, 2, 3)
    assert brake.decide(brake=PushBrake.objects.get(), approve=True, actor="owner") == 4
    settle_down(six)
    assert [six.front.stock[f"L{number}"] for number in range(4)] == [0, 0, 0, 0]
    assert SyncError.objects.filter(state="open").count() == 0


def test_a_denied_batch_stays_and_a_second_decision_changes_nothing(six):
    sell_out(six, 0, 1, 2, 3)
    held = PushBrake.objects.get()
    brake.decide(brake=held, approve=False, actor="owner")
    assert brake.decide(brake=held, approve=True, actor="clerk") == 0
    settle_down(six)
    assert six.front.stock["L0"] == 5
    assert PushBrake.objects.get().state == BrakeState.DENIED


def test_a_denied_listing_is_written_again_once_it_is_not_zero(six):
    sell_out(six, 0, 1, 2, 3)
    brake.decide(brake=PushBrake.objects.get(), approve=False, actor="owner")
    stock.stock(six.skus[0], six.place, 2)
    jobs.touch_stock([(six.skus[0].pk, six.place.pk)], cause="receipt")
    settle_down(six)
    assert (six.front.stock["L0"], six.front.stock["L1"]) == (2, 5)


def test_a_touched_listing_under_a_waiting_brake_does_not_slip_out(six):
    sell_out(six, 0, 1, 2, 3)
    jobs.touch_stock([(six.skus[0].pk, six.place.pk)], cause="demand")
    settle_down(six)
    assert six.front.stock["L0"] == 5
    assert PushBrake.objects.count() == 1
