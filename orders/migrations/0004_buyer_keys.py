"""Give the orders there are the keys that know the same buyer, phone and address again: their reviews have them."""

from django.db import migrations

CHUNK = 1_000
KEY = 32


def fill(apps, schema_editor):
    """Copy the hashes of each order's newest review; a page at a time, safe to repeat."""
    Order, ReviewLog = apps.get_model("orders", "Order"), apps.get_model("orders", "ReviewLog")
    last = 0
    while True:
        page = list(Order.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK])
        if not page:
            return
        last = page[-1]
        facts = dict(ReviewLog.objects.filter(order_id__in=page).order_by("pk").values_list("order_id", "facts"))
        rows = [
            Order(
                pk=pk,
                buyer_key=str(one.get("buyer") or "")[:KEY],
                phone_key=str(one.get("phone") or "")[:KEY],
                address_key=str(one.get("address") or "")[:KEY],
            )
            for pk, one in facts.items()
        ]
        Order.objects.bulk_update(rows, ["buyer_key", "phone_key", "address_key"], batch_size=200)


class Migration(migrations.Migration):
    """Only rows; nothing to take back."""

    atomic = False
    dependencies = [("orders", "0003_rules")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
