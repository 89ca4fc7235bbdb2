"""The pages about review rules: the desk they are built on, publishing, tests on past orders, health, exceptions."""

from orders.admin.rules import desk, exceptions

__all__ = ["desk", "exceptions"]
