"""Customer segments, week by week: features in, a fitted model, each consumer's segment, and profiles."""
