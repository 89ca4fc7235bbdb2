"""What goods cost: layers of first in, first out, the method, corrections of value, the stock value at a date."""
