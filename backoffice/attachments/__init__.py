"""Files that people add: checked by their content, cleaned, kept under random names, given only to who may see them."""
