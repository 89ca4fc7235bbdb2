"""Who looks at the pages."""

from inventory.models import Access
from orders.contracts import Buyer

ANA = Buyer(name="Ana Müller", email="ana@example.com")


def client_of(people, role):
    """A client of somebody with this role who sees everything."""
    Access.objects.create(user=people[role], all_shops=True, all_warehouses=True)
    return people.client(role)
