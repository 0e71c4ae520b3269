"""The pages Tune and Classify."""
