"""What every page has: the frame, whose it is, progress, faults, steps."""
