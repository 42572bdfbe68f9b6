"""Claims about the linear invertible model, and verdicts on them."""
