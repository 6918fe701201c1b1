"""Training patches from a few photographs held in memory."""

import keras
import numpy as np


class Patches(keras.utils.PyDataset):
    """Batches of random patches, flipped and rotated by right angles: (degraded, clean).

    Args:
        images: list of float arrays `(height, width, channels)` with values in [0, 1].
        degrade: function of a batch of patches and a `numpy.random.Generator`, for example `gaussian_noise`.
        patch: int, pixels of a patch's side.
        batch: int, patches a batch.
        steps: int, batches an epoch.
        seed: int.

    Raises:
        ValueError: if there is no image, or one that is smaller than a patch.
    """

    def __init__(self, images, degrade, *, patch=64, batch=16, steps=100, seed=0, **kwargs):
        super().__init__(**kwargs)
        if not images or any(min(image.shape[:2]) < patch for image in images):
            raise ValueError(
                f"images must be at least {patch}x{patch} pixels, the size of a patch. "
                f"Received: {[image.shape for image in images]}."
            )
        self.images, self.degrade = images, degrade
        self.patch, self.batch, self.steps = patch, batch, steps
        self.seed, self.epoch = seed, 0

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        rng = np.random.default_rng((self.seed, self.epoch, index))
        chosen = rng.integers(len(self.images), size=self.batch)
        clean = np.stack([self._patch(self.images[i], rng) for i in chosen]).astype("float32")
        return self.degrade(clean, rng=rng), clean

    def on_epoch_end(self):
        """Makes the next epoch draw other patches."""
        self.epoch += 1

    def _patch(self, image, rng):
        top, left = (rng.integers(size - self.patch + 1) for size in image.shape[:2])
        patch = np.rot90(image[top : top + self.patch, left : left + self.patch], rng.integers(4))
        return patch[:, ::-1] if rng.integers(2) else patch
