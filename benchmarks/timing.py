"""Timing that a busy machine disturbs little: rivals take turns, and each one's median counts."""

import statistics
import time


def medians(rivals, repeats=7, warmup=2, clock=time.perf_counter):
    """Times functions in turn, so that what slows the machine slows them all.

    Args:
        rivals: Dict from name to a function without arguments.
        repeats: Timed calls of each. Defaults to 7.
        warmup: Calls of each before. Defaults to 2.
        clock: Function that tells seconds; `time.process_time` leaves out what other programs take
            of the processor. Defaults to `time.perf_counter`.

    Returns:
        Dict from name to the median seconds of a call.
    """
    seconds = {name: [] for name in rivals}
    for turn in range(warmup + repeats):
        for name, function in rivals.items():
            started = clock()
            function()
            if turn >= warmup:
                seconds[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}
