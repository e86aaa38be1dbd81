"""Memory of a process: its peak, and what it holds now."""

from pathlib import Path


def peak_bytes():
    """Returns the most memory that this process has held, by Linux's books.

    Not `getrusage`, whose maximum starts from that of the process which this one was started by.
    """
    return 1024 * _kilobytes("VmHWM")


def held_bytes():
    """Returns the memory that this process holds now, by Linux's books."""
    return 1024 * _kilobytes("VmRSS")


def _kilobytes(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{field}:")))
