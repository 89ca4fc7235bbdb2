"""What is done on the warehouse floor with a phone: each action once, whatever the radio does."""
