import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tflite import files

