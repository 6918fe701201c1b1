# SPDX-License-Identifier: Apache-2.0
"""Placement by hill climbing: one by one buffers go to the lowest address free for them, and the order is improved."""

from keras_unetmm.planner.interference import exceptions, taken


class HillClimb:
    """A state of the search: an order of the buffers, where it puts them, and how much arena that takes."""

    def __init__(self, problem, around):
        self.problem, self.buffers, self.around = problem, problem.buffers, around
        tried = [self._placed(order) for order in self._first_orders()]
        self.head, self.order, self.addresses = min(tried, key=lambda result: result[0])

    def step(self, rng):
        """Places a buffer that reaches the top, or one in its way, earlier, and keeps the new order if it is no worse."""
        order = list(self.order)
        top = [i for i in order if self.addresses[i] + self.buffers[i].bytes >= self.head]
        chosen = rng.choice(top)
        if rng.random() < 0.5:
            chosen = rng.choice([other for other, *_ in self.around[chosen]] or [chosen])
        position = order.index(chosen)
        order.insert(rng.randrange(position + 1), order.pop(position))
        if rng.random() < 0.3:
            a, b = rng.randrange(len(order)), rng.randrange(len(order))
            order[a], order[b] = order[b], order[a]
        tried = self._placed(order)
        if tried[0] <= self.head:
            self.head, self.order, self.addresses = tried

    def _first_orders(self):
        """Orders that often do well: large first, and among equals the later or the earlier; crowded steps first; ..."""
        buffers, everyone = self.buffers, range(len(self.buffers))
        live = self.problem.timeline.live()
        crowd = [max(live[max(b.first, 0) : b.last + 1], default=0) for b in buffers]
        keys = (
            lambda i: (-buffers[i].bytes, -buffers[i].first),
            lambda i: (-buffers[i].bytes, buffers[i].first),
            lambda i: (-crowd[i], -buffers[i].bytes, -buffers[i].first),
            lambda i: (-buffers[i].bytes * (buffers[i].last - buffers[i].first + 1), -buffers[i].first),
            lambda i: (buffers[i].first - buffers[i].last, -buffers[i].bytes, -buffers[i].first),
            lambda i: (-buffers[i].first, -buffers[i].bytes),
        )
        return [sorted(everyone, key=key) for key in keys]

    def _placed(self, order):
        addresses, head = {}, 0
        for i in order:
            addresses[i] = address = self._lowest(i, addresses)
            head = max(head, address + self.buffers[i].bytes)
        return head, order, addresses

    def _lowest(self, i, addresses):
        intervals = taken(self.around[i], addresses)
        candidate = 0
        for low, high, _ in intervals:
            if candidate <= low:
                break
            candidate = max(candidate, high)
        return min([candidate, *(at for at in exceptions(intervals) if at < candidate)])
