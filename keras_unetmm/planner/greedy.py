# SPDX-License-Identifier: Apache-2.0
"""What TFLM's own planner does with the buffers of a file, to the byte, so that its arena is known without running it.

It takes the buffers with an offset from the file first, then the others by falling size, later ones first among equals, and
puts each at the lowest address where it fits between buffers that live at the same time.
"""

from bisect import bisect_right


def greedy(buffers, offsets=()):
    """Returns the address of every buffer and the arena's head, both in bytes.

    Args:
        buffers: sequence of `keras_unetmm.planner.lifetimes.Buffer`, in the order of the file's `Timeline`.
        offsets: dict from a buffer's position to its fixed address; by default none is fixed.
    """
    fixed = dict(offsets)
    placed, starts, addresses, head = [], [], {}, 0  # `placed` by rising address
    later_first = [i for i in reversed(range(len(buffers))) if i not in fixed]
    for i in (*sorted(fixed), *sorted(later_first, key=lambda i: -buffers[i].bytes)):
        address = fixed[i] if i in fixed else _lowest_gap(buffers[i], placed)
        where = bisect_right(starts, address)
        starts.insert(where, address)
        placed.insert(where, (address, buffers[i]))
        addresses[i] = address
        head = max(head, address + buffers[i].bytes)
    return addresses, head


def _lowest_gap(wanted, placed):
    candidate = 0
    for address, buffer in placed:
        if buffer.first > wanted.last or wanted.first > buffer.last:
            continue
        if address - candidate >= wanted.bytes:
            break
        candidate = max(candidate, address + buffer.bytes)
    return candidate
