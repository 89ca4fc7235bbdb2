"""Papers and labels in the admin: printing, labels and manifests, carriers, the company's data."""

from orders.admin.papers import carriers, company, labels, manifests, prints, rates

__all__ = ["carriers", "company", "labels", "manifests", "prints", "rates"]
