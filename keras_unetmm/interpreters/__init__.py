"""TFLM and LiteRT in processes of their own: running a file, and measuring what it takes."""
