"""Late orders: when each has to leave, which are late or soon will be, and what is done about them."""
