# SPDX-License-Identifier: Apache-2.0
""".tflite files as plain data: read, edited, named, described."""
