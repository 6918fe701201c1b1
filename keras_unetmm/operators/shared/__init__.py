"""What several operators have in common: the rules' form, elementwise walks, windows, reductions."""
