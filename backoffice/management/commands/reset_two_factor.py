"""Take a lost second factor away from outside, when nobody is left who could do it in the admin."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice import twofactor
from backoffice.models import User


class Command(BaseCommand):
    """For the owner whose telephone and back-up codes are both gone."""

    help = "Reset the two-factor sign-in of a person, by user name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reset it, and leave a line in the audit trail."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}.")
        twofactor.remove(user, action="two_factor.reset")
        self.stdout.write(f"Two-factor sign-in of {user.username} is reset.")
