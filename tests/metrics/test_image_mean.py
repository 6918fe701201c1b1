import keras
import pytest

from keras_unetmm import metrics

METRICS = [
    (metrics.PSNR(255.0, luma=True, shave=4, rounded=True, name="psnr_y"), "up"),
    (metrics.SSIM(luma=True, shave=2), "up"),
    (metrics.Dice(4, ignore=255, label=2), "up"),
    (metrics.FalsePositiveRate(2, ignore=7), "down"),
    (metrics.FalseNegativeRate(label=1), "down"),
    (metrics.MeanIoU(21, ignore=255, name="miou"), "up"),
    (metrics.SAD(unknown=True), "down"),
    (metrics.MattingMSE(unknown=True), "down"),
]


@pytest.mark.parametrize(("metric", "direction"), METRICS, ids=lambda case: getattr(case, "name", None))
def test_metrics_survive_a_round_trip_and_know_their_direction(metric, direction):
    config = keras.metrics.serialize(metric)
    assert config["registered_name"] == f"keras_unetmm>{type(metric).__name__}"
    again = keras.metrics.deserialize(config)
    assert type(again) is type(metric)
    assert (
        again.get_config() == metric.get_config() != type(metric)(*[21] * isinstance(metric, metrics.MeanIoU)).get_config()
    )
    assert again._direction == metric._direction == direction
