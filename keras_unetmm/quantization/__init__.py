"""Quantisation-aware training: models that compute as their int8 file will."""
