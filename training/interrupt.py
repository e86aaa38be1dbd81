"""Ctrl-C between batches, so that nothing is interrupted while it is being saved."""

import signal
import threading

import keras


class InterruptBetweenBatches(keras.callbacks.Callback):
    """Holds a Ctrl-C back until the batch is done; a second one interrupts at once.

    A context manager, which puts its signal handler in place, and a callback, which raises. Outside
    the main thread, where Python allows no signal handlers, it does nothing.

    Example:
    ```python
    with InterruptBetweenBatches() as interrupt:
        model.fit(dataset, callbacks=[interrupt])
    ```
    """

    def __enter__(self):
        self._pressed = False
        self._previous = None
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._hold)
        return self

    def __exit__(self, *_):
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _hold(self, number, frame):
        if self._pressed:
            raise KeyboardInterrupt
        self._pressed = True

    def on_train_batch_end(self, batch, logs=None):
        """Raises KeyboardInterrupt if Ctrl-C was pressed."""
        if self._pressed:
            raise KeyboardInterrupt
