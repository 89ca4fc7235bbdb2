"""How large a file may be. No Django: the parsing child reads this too."""

MEGABYTE = 1024 * 1024
MOST_BYTES = 25 * MEGABYTE  # of the file as sent
MOST_UNPACKED = 400 * MEGABYTE  # of a workbook unpacked
MOST_RATIO = 200  # unpacked to packed, of one part larger than a megabyte; honest sheets reach about 60
MOST_ENTRIES = 2_000  # parts of a workbook
MOST_ROWS = 200_000
MOST_COLUMNS = 256
MOST_CHARACTERS = 32_767  # in one cell, Excel's own limit
HEADER_WITHIN = 30  # rows
MOST_PROBLEMS = 1_000  # listed; more are counted
CHILD_MEMORY = 250 * MEGABYTE
CHILD_CPU_SECONDS = 60
CHILD_WALL_SECONDS = 120
BATCH_ROWS = 2_000
