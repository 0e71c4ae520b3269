"""What to look at next: each queue gets plain records and gives a score a row."""
