"""What practice platforms and practice carriers stand on: a small HTTP server and faults on demand."""
