# SPDX-License-Identifier: Apache-2.0
"""Keras graphs taken apart and put together, the only place that touches what is private in Keras."""
