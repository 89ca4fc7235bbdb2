"""What is done on the warehouse floor with a phone: receive, move, look up. Each action once, whatever the radio does."""
