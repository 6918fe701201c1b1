""".tflite files as plain data: read, edited, named, described."""
