# SPDX-License-Identifier: Apache-2.0
"""What `unetmm device ... --json` says of a device: the keys are listed in docs/device-protocol.md and stay as they are."""


def identity(hello):
    """Returns the dict of who a device is.

    Args:
        hello: `keras_unetmm.firmware.device.client.Hello`.
    """
    said = hello.description
    keys = "network", "board", "core", "sha256", "kind", "macs", "ram_bytes", "inputs", "outputs", "ticks"
    return {**{key: said.get(key) for key in keys}, "clock_hz": hello.clock_hz or None}


def used(*measured):
    """Returns the dict of the most memory and stack that was used.

    Args:
        measured: `Ran` or `Tested` of `keras_unetmm.firmware.device.client`.
    """
    return {
        "arena_bytes": max(each.arena + each.carried for each in measured),
        "stack_bytes": max(each.stack for each in measured) or None,
    }


def times(hello, ran):
    """Returns the dict of how long a run took, with the transfer and without.

    Args:
        hello: `Hello`; seconds of its counter are None where it counts instructions.
        ran: `Ran`.
    """
    computing = ran.ticks - ran.transfer
    is_clock = hello.description["ticks"] != "instructions"
    return {
        "ticks_computing": computing,
        "ticks_transfer": ran.transfer,
        "seconds_computing": computing / hello.tick_hz if is_clock else None,
        "seconds_with_transfer": ran.ticks / hello.tick_hz if is_clock else None,
        "seconds_with_transfer_here": ran.seconds,
    }
