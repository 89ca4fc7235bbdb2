"""Orders come in: a page of `IncomingOrder` is stored, books its demand, is reviewed and takes its stock at once.

The only way in for orders of platforms, files and the API; an order typed by hand is a page of one.
"""

from orders.intake.faults import Fault
from orders.intake.rematching import rematch
from orders.intake.taking import Action, IntakeResult, Outcome, take_in
from orders.intake.vanished import vanished

__all__ = ["Action", "Fault", "IntakeResult", "Outcome", "rematch", "take_in", "vanished"]
