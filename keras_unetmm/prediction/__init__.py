# SPDX-License-Identifier: Apache-2.0
"""What a network makes of pictures and volumes of any size: whole, or by windows that overlap; folders of them, too."""

from keras_unetmm.prediction.folder import predict_folder
from keras_unetmm.prediction.predict import predict
from keras_unetmm.prediction.sources import PredictionError, load_predictor

__all__ = ["PredictionError", "load_predictor", "predict", "predict_folder"]
