"""What is known of single operators of TFLite: multiply-accumulates, receptive field, overlap, scratch."""
