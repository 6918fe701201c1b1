"""Small networks for tests of the engine's folder, and programs made of its C."""

import shutil
import subprocess
import tempfile

from tflite.network import Network

from keras_unetmm.engine import process

SANITIZED = ("-std=c11", "-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DUNETMM_SELFTEST_STACK=0")
COMPILERS = [cc for cc in ("gcc", "clang") if shutil.which(cc)]


def sanitizes(cc):
    """Whether a compiler has its sanitizers' libraries, which for clang are a package of their own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [cc, *SANITIZED, "-x", "c", "-", "-o", f"{folder}/probe"]
        done = subprocess.run(command, input="int main(void) { return 0; }\n", text=True, capture_output=True, check=False)
    return done.returncode == 0


def small(seed=0, channels=4):
    """An encoder, a decoder and a skip: one input, one output, sizes that no stride divides."""
    net = Network(seed)
    x = net.input(1, 9, 7, channels)
    kept = net.conv(x, 8, (3, 3))
    low = net.depthwise(net.pool("MAX_POOL_2D", kept, stride=(2, 2)))
    high = net.resize("RESIZE_NEAREST_NEIGHBOR", low, 9, 7) if net.shape(low)[1:3] != (9, 7) else low
    return net.file(net.conv(net.binary("ADD", kept, high), channels))


def two_ends(seed=0):
    """Two inputs, two outputs, a skip."""
    net = Network(seed)
    x, other = net.input(1, 8, 8, 4), net.input(1, 1, 1, 8)
    kept = net.conv(x, 8, (3, 3))
    low = net.depthwise(net.pool("MAX_POOL_2D", kept, stride=(2, 2)))
    large = net.resize("RESIZE_NEAREST_NEIGHBOR", low, 8, 8)
    return net.file(net.conv(net.binary("ADD", kept, large), 4), net.binary("MUL", other, net.constant(8)))


def compiled(folder, main, cc="gcc", flags=process.FLAGS, others=()):
    """Builds a program of a `main` and the C of a folder but for its self-test; returns its path.

    Args:
        folder: path.
        main: str, C.
        cc, flags: the compiler and its flags.
        others: folders of other networks, to build into it.
    """
    texts = {}
    for path in (*others, folder):
        left_out = {"unetmm_selftest.c", *(file.name for file in path.glob("*_selftest.c"))}
        texts |= {file.name: file.read_text() for file in path.glob("*.[ch]") if file.name not in left_out}
    return process.built({**texts, "main.c": main}, flags, cc=cc)


def selftest(folder, cc="gcc", flags=process.FLAGS):
    """Builds the self-test of a folder; returns the program's path."""
    return process.built({file.name: file.read_text() for file in folder.glob("*.[ch]")}, flags, cc=cc)


def said(program, status=0):
    """Runs a program, which must end with a status; returns what it printed."""
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr
