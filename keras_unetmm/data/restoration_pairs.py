# SPDX-License-Identifier: Apache-2.0
"""Pairs of a spoilt photograph and its reference: real noise and real or averaged blur.

Every reader takes `folder` (the folder of all data sets) and returns `(input, reference)` of one size for each example,
uint8 `(H, W, 3)` unless it says otherwise. It raises `MissingDataError` for a folder or file that is not there, and, when an
example is read, `DamagedFileError` for a damaged file and `ValueError` for a pair of unequal sizes. With `partial=True` it
takes what is there.
"""

import functools
import threading
import zipfile
import zlib
from pathlib import Path

import numpy as np

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import damaged, read_pixels, same_size
from keras_unetmm.data.layout import every_fifth, extra, files, home, one_of, partner, reader, whole
from keras_unetmm.data.tiny import smooth_picture, write_tiny
from keras_unetmm.types import PathLike


def read_alike(*files):
    """Reads images that must have one size; each of `files` is a path and a number of channels."""
    images = [read_pixels(path, channels) for path, channels in files]
    for (path, _), image in zip(files[1:], images[1:], strict=True):
        same_size(files[0][0], images[0].shape[:2], path, image.shape[:2])
    return images


def _pairs(name, paths, reference, channels=3):
    """The data set of some paths, where the function `reference` gives the path that belongs to each."""
    examples = tuple((path, partner(path, reference(path))) for path in paths)
    return DataSet(name, examples, lambda example: tuple(read_alike(*((path, channels) for path in example))))


def _renamed(old, new):
    return lambda path: path.with_name(path.name.replace(old, new))


def _write_pair(rng, spoilt, clean, height=40, width=48, depth=1):
    """Writes tiny data: bytes, or 16-bit integers with depth 257; the input is 7/8 of the reference."""
    picture = smooth_picture(rng, height, width, 1 if depth > 1 else 3)
    for path, pixels in ((spoilt, picture // 8 * 7), (clean, picture)):
        write_tiny(Path(path), pixels if depth == 1 else pixels.astype("uint16") * depth)


def _tiny_sidd(folder, rng):
    for scene in ("0001_001_S6_00100_00060_3200_L", "0002_001_S6_00100_00020_3200_N"):
        for shot in ("010", "011"):
            paths = [
                Path(folder) / "sidd_medium" / "Data" / scene / f"{scene[:4]}_{kind}_SRGB_{shot}.PNG"
                for kind in ("NOISY", "GT")
            ]
            _write_pair(rng, *paths, 80, 96)


@reader(tiny=_tiny_sidd)
def sidd(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads SIDD-Medium sRGB (Abdelhamed, Lin and Brown, CVPR 2018): noise of five phones, 160 scenes of about 5300x3000.

    ```
    sidd_medium/Data/0001_001_S6_00100_00060_3200_L/0001_NOISY_SRGB_010.PNG, 0001_GT_SRGB_010.PNG ...    320 pairs
    ```

    From abdokamel.github.io/sidd (SIDD_Medium_Srgb), under the MIT licence as its authors have it there.

    Examples:
        >>> data.sidd.tiny("tiny", np.random.default_rng(0))
        >>> data.sidd("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    layout = "Data/*/*_NOISY_SRGB_*.PNG and *_GT_SRGB_*.PNG"
    root = home(folder, "sidd_medium", layout, "abdokamel.github.io/sidd (SIDD_Medium_Srgb)")
    paths = files(root, "Data/*/*_NOISY_SRGB_*.PNG", "the noisy images", beside=("*_GT_SRGB_*.PNG",))
    return _pairs("sidd", whole("sidd", paths, 320, partial), _renamed("_NOISY_", "_GT_"))


BLOCKS = ("ValidationNoisyBlocksSrgb", "ValidationGtBlocksSrgb")


def _tiny_sidd_validation(folder, rng):
    matlab = extra("scipy.io")
    root = Path(folder) / "sidd_validation"
    root.mkdir(parents=True, exist_ok=True)
    clean = np.stack([[smooth_picture(rng, 40, 48) for block in range(2)] for image in range(2)])
    for name, values in zip(BLOCKS, (clean // 8 * 7, clean), strict=True):
        matlab.savemat(root / f"{name}.mat", {name: values}, do_compression=True)


def _mat(path, function, **arguments):
    matlab = extra("scipy.io")
    try:
        return getattr(matlab, function)(path, **arguments)
    except (
        ValueError,
        TypeError,
        LookupError,
        OSError,
        NotImplementedError,
        zlib.error,
        matlab.matlab.MatReadError,
    ) as error:
        raise damaged(path, "a MATLAB file", error) from error


def _block_shape(path, name):
    shape, kind = {found: (shape, kind) for found, shape, kind in _mat(path, "whosmat")}.get(name, ((), "nothing"))
    if kind != "uint8" or len(shape) != 5 or shape[-1] != 3:
        error = f"it must hold bytes named {name}, (images, blocks, height, width, 3), not {kind} {shape}"
        raise damaged(path, "blocks of images", error)
    return shape


@reader(tiny=_tiny_sidd_validation)
def sidd_validation(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads the validation blocks of SIDD sRGB, 256x256, on which papers report when they cannot use the test server.

    ```
    sidd_validation/ValidationNoisyBlocksSrgb.mat, ValidationGtBlocksSrgb.mat    40 images of 32 blocks each, 1,280 pairs
    ```

    From abdokamel.github.io/sidd. The first example read loads both files, 500 MB, which then stay in memory. An example is
    called `image00_block00`, both counted from 0. Needs scipy.

    Examples:
        >>> data.sidd_validation.tiny("tiny", np.random.default_rng(0))
        >>> data.sidd_validation("tiny", partial=True)[0][0].shape
        (40, 48, 3)
    """
    root = home(folder, "sidd_validation", " and ".join(f"{name}.mat" for name in BLOCKS), "abdokamel.github.io/sidd")
    paths = [partner(root, root / f"{name}.mat") for name in BLOCKS]
    shape, other = (_block_shape(path, name) for path, name in zip(paths, BLOCKS, strict=True))
    same_size(paths[0], shape, paths[1], other)
    places = [(f"image{image:02d}_block{block:02d}", image, block) for image, block in np.ndindex(shape[:2])]
    lock = threading.Lock()

    @functools.cache
    def loaded():
        return [_mat(path, "loadmat", variable_names=[name])[name] for path, name in zip(paths, BLOCKS, strict=True)]

    def read(example):
        with lock:  # threads that start together would all load it
            blocks = loaded()
        return tuple(values[example[1:]] for values in blocks)

    return DataSet("sidd validation", whole("sidd validation", tuple(places), 1280, partial), read)


def _tiny_gopro(folder, rng):
    for split, scenes in (("train", ("GOPR0372_07_00", "GOPR0374_11_00")), ("test", ("GOPR0384_11_00",))):
        for scene in scenes:
            root = Path(folder) / "gopro" / split / scene
            for frame in ("000001.png", "000002.png"):
                _write_pair(rng, root / "blur" / frame, root / "sharp" / frame, 80, 96)
                write_tiny(root / "blur_gamma" / frame, smooth_picture(rng, 80, 96))


@reader(tiny=_tiny_gopro)
def gopro(folder: PathLike, split: str = "train", partial: bool = False) -> DataSet:
    """Reads GOPRO_Large (Nah, Kim and Lee, CVPR 2017): blur averaged of the frames of a fast camera, 1280x720.

    ```
    gopro/train/GOPR0372_07_00/{blur,sharp}/000047.png ...    2,103 pairs of 22 scenes
    gopro/test/GOPR0384_11_00/{blur,sharp}/000001.png ...     1,111 pairs of 11 scenes
    ```

    From seungjunnah.github.io/Datasets/gopro (GOPRO_Large, which becomes `gopro`); believed to be CC BY 4.0. The other
    average, `blur_gamma`, is not read: papers report on `blur`.

    Args:
        folder: the folder of all data sets.
        split: `"train"` or `"test"`.
        partial: bool, whether fewer pairs will do.

    Examples:
        >>> data.gopro.tiny("tiny", np.random.default_rng(0))
        >>> data.gopro("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    count = {"train": 2103, "test": 1111}[one_of("split", split, ("train", "test"))]
    layout = f"{split}/*/blur/*.png and {split}/*/sharp/*.png"
    root = home(folder, "gopro", layout, "seungjunnah.github.io/Datasets/gopro (GOPRO_Large)")
    paths = files(root / split, "*/blur/*.png", "the blurred images")
    paths = whole(f"gopro {split}", paths, count, partial)
    return _pairs(f"gopro {split}", paths, lambda path: path.parent.parent / "sharp" / path.name)


def _tiny_gopro_samples(folder, rng):
    root = Path(folder) / "gopro_samples"
    for scene in ("Flower", "Istanbul"):
        _write_pair(rng, root / f"{scene}_blur1.png", root / f"{scene}_sharp1.png", 80, 96)


@reader(tiny=_tiny_gopro_samples)
def gopro_samples(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads the two pairs that the authors of GOPRO show, 1280x720: a demonstration, no benchmark.

    ```
    gopro_samples/Flower_blur1.png, Flower_sharp1.png, Istanbul_blur1.png, Istanbul_sharp1.png
    ```

    From github.com/SeungjunNah/DeepDeblur_release (images); terms as of `gopro`.

    Examples:
        >>> data.gopro_samples.tiny("tiny", np.random.default_rng(0))
        >>> data.gopro_samples("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    root = home(
        folder, "gopro_samples", "*_blur1.png and *_sharp1.png", "github.com/SeungjunNah/DeepDeblur_release (images)"
    )
    paths = whole("gopro samples", files(root, "*_blur1.png", "the blurred images", beside=("*_sharp1.png",)), 2, partial)
    return _pairs("gopro samples", paths, _renamed("_blur", "_sharp"))


def _tiny_polyu(folder, rng):
    root = Path(folder) / "polyu"
    for name in ("Canon5D2_a_1", "Canon5D2_b_3", "Canon80D_a_2", "Nikon_a_10", "Sony_a_1", "Sony_a_12"):
        _write_pair(rng, root / f"{name}_real.JPG", root / f"{name}_mean.JPG")


@reader(tiny=_tiny_polyu)
def polyu(folder: PathLike, split: str = "train", partial: bool = False) -> DataSet:
    """Reads PolyU (Xu et al., arXiv 1804.02603): real noise of five cameras, the mean of many shots as reference, 512x512.

    ```
    polyu/Canon5D2_5_160_3200_chair_5_real.JPG, Canon5D2_5_160_3200_chair_5_mean.JPG ...    100 pairs
    ```

    From github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset (CroppedImages); for non-commercial purposes. No split is
    published. A scene is the name before the last number; every fifth scene in the order of names is test, so no scene is in
    both. Both files are JPEG of quality 75 or so.

    Args:
        folder: the folder of all data sets.
        split: `"train"` or `"test"`.
        partial: bool, whether fewer pairs will do.

    Examples:
        >>> data.polyu.tiny("tiny", np.random.default_rng(0))
        >>> data.polyu("tiny", partial=True)[0][0].shape
        (40, 48, 3)
    """
    source = "github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset (CroppedImages)"
    paths = files(
        home(folder, "polyu", "*_real.JPG and *_mean.JPG", source), "*_real.JPG", "the noisy images", beside=("*_mean.JPG",)
    )
    scenes = {path: path.name.rsplit("_", 2)[0].rstrip("_") for path in whole("polyu", paths, 100, partial)}
    taken = every_fifth(sorted(set(scenes.values())), split)
    return _pairs(f"polyu {split}", [path for path in paths if scenes[path] in taken], _renamed("_real.", "_mean."))


def _tiny_levin09(folder, rng):
    root = Path(folder) / "levin09"
    for case in ("im01_ker01", "im02_ker01"):
        _write_pair(rng, root / f"{case}_blur.png", root / f"{case}_sharp.png", depth=257)
    (root / "im01_ker02_blur.png").write_bytes((root / "im01_ker01_blur.png").read_bytes())
    sharp = {"im01_ker01": "im01_ker01", "im01_ker02": "im01_ker01", "im02_ker01": "im02_ker01"}
    np.savez(root / "kernels.npz", **{f"{case}_sharp": name for case, name in sharp.items()})


@reader(tiny=_tiny_levin09)
def levin09(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads the set of Levin et al. (CVPR 2009), real camera shake, uint16 `(255, 255, 1)`: 4 pictures, 8 kernels.

    ```
    levin09/im01_ker01_blur.png ... im04_ker08_blur.png    32, 16-bit gray
    levin09/im01_ker01_sharp.png ...                       23, each of one or more cases
    levin09/kernels.npz                                    the name of each case's sharp file as im01_ker01_sharp
    ```

    The .mat files are at github.com/huangym310/image_deblur (Levin_data); x and y of each are kept here as PNG, a value of 1
    as 65535. Published for research; no licence known. All 32 are for testing.

    Examples:
        >>> data.levin09.tiny("tiny", np.random.default_rng(0))
        >>> data.levin09("tiny", partial=True)[0][0].shape
        (40, 48, 1)
    """
    source = "github.com/huangym310/image_deblur (Levin_data), as PNG"
    root = home(folder, "levin09", "*_blur.png, *_sharp.png and kernels.npz", source)
    paths = whole(
        "levin09", files(root, "*_blur.png", "the blurred images", beside=("*_sharp.png", "kernels.npz")), 32, partial
    )
    index = partner(paths[0], root / "kernels.npz")
    try:
        with open(index, "rb") as file, np.load(file) as names:
            sharp = {path: root / f"{names[path.stem.replace('_blur', '_sharp')]}_sharp.png" for path in paths}
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise damaged(index, "the names of the sharp files", error) from error
    return _pairs("levin09", paths, sharp.get, channels=1)
