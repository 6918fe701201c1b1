"""A computer and a board: the bytes of TFLM through the emulated port, noise, foreign firmware, ports that are not there."""

import contextlib
import json
import os
import random
import re
import socket
import subprocess
import threading

import numpy as np
import pytest
from engine.programs import COMPILERS, two_ends
from firmware.projects import STRICT, harness, network, photograph_network, put
from firmware.wire import damaged, some
from PIL import Image
from tflite.unusual import svdf
from typer.testing import CliRunner

from keras_unetmm.cli import app
from keras_unetmm.firmware.boards.boards import BOARDS, board, lacks
from keras_unetmm.firmware.build import built, lacking
from keras_unetmm.firmware.device import frames
from keras_unetmm.firmware.device.bench import selftest
from keras_unetmm.firmware.device.client import Device
from keras_unetmm.firmware.device.emulator import Emulated
from keras_unetmm.firmware.device.frames import Decoder, Frame, encoded
from keras_unetmm.firmware.device.ports import DeviceError, SerialPort
from keras_unetmm.tflite import run

pytestmark = pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")


def named(name):
    missing = lacking(board(name)) or lacks(board(name), ("emulator",))
    return pytest.param(name, marks=pytest.mark.skipif(bool(missing), reason=missing or "-"))


IDENTITY = ["network", "board", "core", "sha256", "kind", "macs", "ram_bytes", "inputs", "outputs", "ticks", "clock_hz"]
RUN = ["input", "fitted", "output", "ticks_computing", "ticks_transfer", "seconds_computing", "seconds_with_transfer"]
RUN += ["seconds_with_transfer_here", "arena_bytes", "stack_bytes", "retries"]  # as docs/device-protocol.md lists them
RUNS_HERE = [named(name) for name, found in BOARDS.items() if found.emulator or not found.prefix]


@pytest.fixture(scope="module")
def content():
    return photograph_network()


@pytest.fixture(scope="module")
def folders(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("devices")
    (path / "net.tflite").write_bytes(content)
    made, code = network(content)
    for name in BOARDS:
        put(path / name, name, made, code)
    return path


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    path = tmp_path_factory.mktemp("photographs") / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (15, 21, 3)).astype("uint8")).save(path)
    return path


def call(*arguments):
    return CliRunner().invoke(app, ["device", *map(str, arguments)])


@pytest.mark.parametrize("name", RUNS_HERE)
def test_a_photograph_comes_back_with_the_bytes_of_tflm(folders, content, photograph, tmp_path, name):
    built(folders / name, folders / name / "build", board(name), STRICT)  # without a warning
    done = call("run", photograph, "--port", folders / name, "-o", tmp_path / "out.png", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert set(said) == set(IDENTITY + RUN)
    assert (said["fitted"], said["output"]) == ("the centre, 12x20 of 15x21", str(tmp_path / "out.png"))
    assert (said["seconds_computing"] is None) == (said["ticks"] == "instructions")
    assert said["ticks_computing"] > 0
    assert 0 < said["arena_bytes"] <= said["ram_bytes"]
    crop = np.asarray(Image.open(photograph))[1:13, 0:20]
    right = run(content, (crop.astype("int64") - 128).astype("int8")).outputs[0][0]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), right.astype("int64") + 128)
    done = call("test", "--port", folders / name, "--model", folders / "net.tflite", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert set(said) == {*IDENTITY, "model", "selftest", "tests"}
    used = [test["arena_bytes"] for test in said["tests"]]
    assert len(used) == 7
    assert said["ram_bytes"] - 16 < max(used[:2]) <= said["ram_bytes"]
    if board(name).prefix:
        stated = re.search(r"Stack: ([\d,]+) bytes", (folders / name / "README.md").read_text())
        assert stated is None  # written without a build; `test_project` holds it to what was stated
        assert 256 < max(test["stack_bytes"] for test in said["tests"]) < 4096


@pytest.fixture
def emulated(folders):
    with Emulated(folders / "host") as found:
        yield found


class Noisy:
    """A port that damages some of what goes through it."""

    def __init__(self, port, rate, seed=0):
        self.port, self.name, self.rate, self.rng = port, port.name, rate, random.Random(seed)

    def _noise(self, data):
        data = bytearray(data)
        for i in range(len(data)):
            if self.rng.random() < self.rate:
                data[i] = self.rng.randrange(256)
        return bytes(data)

    def read(self):
        return self._noise(self.port.read())

    def write(self, data):
        self.port.write(self._noise(data))

    def close(self):
        self.port.close()


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_sent_again_and_changes_nothing(emulated, content, seed):
    x = np.random.default_rng(seed).integers(-128, 128, (1, 12, 20, 3)).astype("int8")
    device = Device(Noisy(emulated.port, 1e-3, seed))
    ran = device.run([x])
    assert np.array_equal(ran.outputs[0], run(content, x).outputs[0])
    device.port.rate = 0
    assert device.ping(b"still here") == b"still here"


def test_too_much_noise_is_an_error_and_the_next_run_works(emulated, content):
    device = Device(emulated.port, silence=3)
    x = np.zeros((1, 12, 20, 3), "int8")
    device.port = Noisy(emulated.port, 0.2)
    with pytest.raises(DeviceError, match=r"rows did not come|results were not taken|no answer|no frame"):
        device.run([x])
    device.port = emulated.port
    with pytest.raises(ValueError, match=r"input must be int8 of the shape \(1, 12, 20, 3\)"):
        device.run([x[0]])
    assert np.array_equal(device.run([x]).outputs[0], run(content, x).outputs[0])


def test_several_inputs_and_a_network_that_remembers(tmp_path):
    for file, count in ((two_ends(), 1), (svdf(), 3)):
        made, code = network(file)
        folder = put(tmp_path / str(count), "host", made, code)
        with Emulated(folder) as emulated, Device(emulated.port) as device:
            ports = device.hello.description["inputs"]
            rng = np.random.default_rng(0)
            inputs = [[rng.integers(-128, 128, p["shape"]).astype("int8") for p in ports] for _ in range(count)]
            ran = [device.run(arrays, fresh=i == 0).outputs for i, arrays in enumerate(inputs)]
            stacks = [np.concatenate(arrays) for arrays in zip(*inputs, strict=True)]
            right = [np.split(output, count) for output in run(file, stacks).outputs] if count > 1 else [
                [output] for output in run(file, inputs[0]).outputs
            ]  # fmt: skip
            for i in range(count):
                assert all(np.array_equal(a, b[i]) for a, b in zip(ran[i], right, strict=True)), i
            assert all(not test.wrong for test in selftest(device))


def test_a_wrong_file_and_wrong_bytes_are_seen(folders, emulated, tmp_path):
    with pytest.raises(DeviceError, match=r"Received: others on the random input"):
        selftest(Device(emulated.port), photograph_network(seed=1))
    folder = tmp_path / "fw"
    made, code = network((folders / "net.tflite").read_bytes())
    put(folder, "host", made, code)
    test = folder / "network" / "net_selftest.c"
    test.write_text(re.sub(r"\n    0x[0-9a-f]{8}u", "\n    0x00000001u", test.read_text()))
    done = call("test", "--port", folder)
    assert done.exit_code == 1
    assert "other bytes than expected" in done.stdout
    assert "FAILED" in done.stdout


def test_ten_thousand_frames_and_every_good_one_is_answered(tmp_path, content):
    rng, wire, count = random.Random(0), bytearray(), 10_000
    for i in range(count):
        frame = some(rng, rng.choice([1, 2, 4, 8, 64])) if i % 4 else some(rng)
        if i % 8 == 0:  # of a type that means something
            frame = Frame(rng.choice([1, 2, 3, 5, 6, 7]), frame.sequence, frame.payload[: rng.choice([0, 1, 4, 528])])
        whole = encoded(frame)
        wire += whole if i % 3 == 0 else damaged(rng, whole)
        wire += encoded(Frame(frames.PING, i % 256, b"good" + i.to_bytes(4, "little")))
    program = harness(tmp_path / "pipe", network(content)[0])
    done = subprocess.run([program], input=bytes(wire), capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    answers = [frame.payload for frame in Decoder().feed(done.stdout) if frame.type == frames.PING | frames.ANSWER]
    good = [int.from_bytes(payload[4:], "little") for payload in answers if payload[:4] == b"good"]
    assert good == list(range(count))
    kinds = {frame.type for frame in Decoder().feed(done.stdout)}
    assert {frames.ERROR, frames.NEED, frames.DONE, frames.HELLO | frames.ANSWER} <= kinds


class Foreign:
    """A TCP port on which something else answers."""

    def __init__(self, answer):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.name = f"socket://127.0.0.1:{self.server.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, args=(answer,), daemon=True)
        self.thread.start()

    def _serve(self, answer):
        connection, _ = self.server.accept()
        with connection, self.server:
            while data := connection.recv(4096):
                if not answer(connection, data):
                    return


def test_another_firmware_an_old_one_silence_and_an_end():
    talks = Foreign(lambda connection, data: connection.send(b"AT+OK\r\n" * 3) > 0)
    with pytest.raises(DeviceError, match=r"what is no frame of its protocol, b'AT\+OK"):
        Device(talks.name, silence=0.5)
    old = Foreign(lambda connection, data: connection.send(encoded(Frame(0x81, data[3], bytes(20), version=2))) > 0)
    with pytest.raises(DeviceError, match=r"must speak version 1 of the protocol\. Received: version 2"):
        Device(old.name, silence=2)
    mute = Foreign(lambda connection, data: True)
    with pytest.raises(DeviceError, match=r"no answer in 0 seconds|no answer in 1 seconds"):
        Device(mute.name, silence=0.5)
    gone = Foreign(lambda connection, data: False)
    with pytest.raises(DeviceError, match=r"must stay open.*unplugged"):
        Device(gone.name, silence=2)


def test_an_emulator_that_stops_in_the_middle_is_told(folders):
    with Emulated(folders / "host") as emulated:
        device = Device(emulated.port)
        emulated.process.kill()
        emulated.process.wait()
        with pytest.raises(DeviceError, match=r"must stay open.*Was it unplugged"):
            device.run([np.zeros((1, 12, 20, 3), "int8")])


def test_ports_that_are_not_there_or_in_use(folders, photograph, tmp_path):
    for port, said in (
        ("/dev/nothing", "'/dev/nothing', which is not there"),
        ("socket://127.0.0.1:1", "Connection refused"),
        ("socket://nowhere", "or socket://HOST:PORT"),
        (str(tmp_path), "must be a project that unetmm firmware --board wrote"),
    ):
        done = call("run", photograph, "--port", port, "-o", tmp_path / "out.png")
        assert done.exit_code == 2, done.output
        assert said in " ".join(done.stderr.split())
    done = call("run", photograph, "-o", tmp_path / "out.png")
    assert "--port must be a serial port" in " ".join(done.stderr.split())
    done = call("run", photograph, "--port", folders / "host", "-o", tmp_path / "out.jpg")
    assert "--output must end in .png or .npy" in done.stderr
    assert not (tmp_path / "out.png").exists()
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    first = SerialPort(name, 115200)
    with pytest.raises(DeviceError, match=r"which another program has open"):
        SerialPort(name, 115200)
    first.write(b"\0abc")
    assert os.read(ours, 10) == b"\0abc"
    first.close()
    os.close(ours)
    os.close(theirs)


def test_a_serial_port_carries_a_run(emulated, content):
    """A pty stands between: what pyserial opens is its other end."""
    ours, theirs = os.openpty()
    import tty

    tty.setraw(ours)
    tty.setraw(theirs)
    stop = threading.Event()

    def carry():
        while not stop.is_set():
            os.write(ours, emulated.port.read())

    def back():
        with contextlib.suppress(OSError):  # when the other end is closed
            while True:
                emulated.port.write(os.read(ours, 4096))

    threads = [threading.Thread(target=work, daemon=True) for work in (carry, back)]
    for thread in threads:
        thread.start()
    x = np.random.default_rng(1).integers(-128, 128, (1, 12, 20, 3)).astype("int8")
    with Device(os.ttyname(theirs)) as device:
        assert np.array_equal(device.run([x]).outputs[0], run(content, x).outputs[0])
    stop.set()
    os.close(theirs)
    for thread in threads:
        thread.join(timeout=10)
    os.close(ours)
