"""Small placement problems of real files, and their best solutions by trying everything."""

import itertools

import numpy as np
from tflite.network import Network

UNIT = 16  # bytes, of which every size here is a multiple
ROW = (1, 16)  # a row of the maps: one pixel of 16 channels


def small_file(seed, operators=5, kinds=7):
    """A file of a few operators on maps of one to four units, some of which may share memory in one way or another."""
    rng, net = np.random.default_rng(seed), Network(seed)
    tensors = [net.input(1, int(rng.integers(1, 5)), *ROW)]
    if rng.random() < 0.4:
        tensors.append(net.input(1, int(rng.integers(1, 5)), *ROW))
    for _ in range(operators):
        x = int(rng.choice(tensors[-3:]))
        others = [tensor for tensor in tensors if net.shape(tensor) == net.shape(x)]
        rows, n = net.shape(x)[1], int(rng.integers(1, 5))
        match rng.integers(kinds):
            case 0:
                made = [net.conv(x, 16, (3, 1))]
            case 1:
                made = [net.unary("RELU", x)]
            case 2:
                made = [net.binary("ADD", x, int(rng.choice(others)))]
            case 3:
                made = [net.resize("RESIZE_NEAREST_NEIGHBOR", x, n, 1)]
            case 4:
                made = [net.reshape(x, 1, rows, *ROW)]
            case 5:
                parts = [tensor for tensor in tensors if net.shape(tensor)[1] + rows < 6]
                made = [net.concatenate([x, int(rng.choice(parts))], 1)] if parts else [net.unary("RELU6", x)]
            case _:
                made = net.split_v(x, [1, rows - 1], 1) if rows > 1 else [net.depthwise(x)]
        tensors += made
    again = {int(rng.choice(tensors))} if rng.random() < 0.3 else set()
    return net.file(*sorted({tensors[-1], *again}))


def alive_together(a, b):
    """Whether two buffers live at the same time."""
    return a.first <= b.last and b.first <= a.last


def collisions(memory, addresses):
    """The pairs of buffers that are alive together and lie over each other although nothing allows it."""
    buffers, rules = memory.buffers, {(pair.input, pair.output): pair for pair in memory.pairs}
    found = []
    for i, j in itertools.combinations(range(len(buffers)), 2):
        a, b = buffers[i], buffers[j]
        apart = addresses[i] + a.bytes <= addresses[j] or addresses[j] + b.bytes <= addresses[i]
        if not apart and alive_together(a, b) and not _allowed(rules, i, j, addresses):
            found.append((i, j))
    return found


def _allowed(rules, i, j, addresses):
    pair = rules.get((i, j)) or rules.get((j, i))
    if pair is None:
        return False
    distance = addresses[pair.input] - addresses[pair.output]
    return distance == pair.same or (pair.least is not None and distance >= pair.least)


def optimum(memory):
    """The smallest arena in which the buffers can be placed, found by trying every place for every buffer."""
    arena = max((buffer.bytes for buffer in memory.buffers), default=0)
    while not _fits(memory, arena):
        arena += UNIT
    return arena


def _fits(memory, arena):
    buffers, rules = memory.buffers, {(pair.input, pair.output): pair for pair in memory.pairs}
    order = sorted(range(len(buffers)), key=lambda i: (buffers[i].first, -buffers[i].bytes))
    addresses = {}

    def fits(i, at):
        for j, other in addresses.items():
            if at < other + buffers[j].bytes and other < at + buffers[i].bytes and alive_together(buffers[i], buffers[j]):
                pair = rules.get((i, j)) or rules.get((j, i))
                if pair is None:
                    return False
                distance = at - other if pair.input == i else other - at
                if distance != pair.same and (pair.least is None or distance < pair.least):
                    return False
        return True

    def search(k):
        if k == len(order):
            return True
        i = order[k]
        for at in range(0, arena - buffers[i].bytes + 1, UNIT):
            if fits(i, at):
                addresses[i] = at
                if search(k + 1):
                    return True
                del addresses[i]
        return False

    return search(0)
