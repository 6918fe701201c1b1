"""What spoils an image: the noise that a denoiser is trained to take away."""


def gaussian_noise(images, sigma, rng):
    """Adds white Gaussian noise; the result is not clipped, as in the denoising literature.

    Args:
        images: float array with values in [0, 1].
        sigma: float, standard deviation on the same scale: 25 / 255 for "sigma 25".
        rng: `numpy.random.Generator`.

    Returns:
        float32 array of the same shape.
    """
    return (images + rng.normal(scale=sigma, size=images.shape)).astype("float32")
