"""From a Keras model to an integer .tflite file."""
