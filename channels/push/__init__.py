"""Stock goes out: jobs say whose figure is wanted, send decides and writes, settle notes what became of it."""
