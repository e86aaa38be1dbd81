"""Timing that a busy machine disturbs little: rivals take turns, and each one's median counts."""

import statistics
import time


def medians(rivals, repeats=7, warmup=2):
    """Times functions in turn, so that what slows the machine slows them all.

    Args:
        rivals: Dict from name to a function without arguments.
        repeats: Timed calls of each. Defaults to 7.
        warmup: Calls of each before. Defaults to 2.

    Returns:
        Dict from name to the median seconds of a call.
    """
    seconds = {name: [] for name in rivals}
    for turn in range(warmup + repeats):
        for name, function in rivals.items():
            started = time.perf_counter()
            function()
            if turn >= warmup:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}
