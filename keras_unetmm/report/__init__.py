# SPDX-License-Identifier: Apache-2.0
"""A file's memory as a page that a person opens in a browser."""
