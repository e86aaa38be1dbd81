"""Attention over a list of edges against a dense mask: time and peak memory.

    python benchmarks/graph_attention.py

Both compute the same sums. Random graphs with five edges a node, 8 heads of 8, forward; each rival
has a process of its own, whose peak memory above that of an empty one is counted.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

from attnzoo.cli.output import print_table

FEATURES, UNITS, HEADS, DEGREE = 64, 8, 8, 5
SIZES = (1000, 3000, 10000)
RIVALS = ("edges", "dense mask")
REPEATS = 7


def main():
    """Prints the table, or measures one rival if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--measure", nargs=2, metavar=("RIVAL", "NODES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        rival, nodes = arguments.measure
        print(json.dumps(measure(rival, int(nodes))))
        return
    rows = []
    for nodes in arguments.sizes:
        found = {rival: _in_a_process(rival, nodes) for rival in RIVALS}
        ratio = found["dense mask"]["seconds"] / found["edges"]["seconds"]
        agree = np.allclose(found["edges"]["outputs"], found["dense mask"]["outputs"], atol=1e-4)
        rows.append(
            (
                f"{nodes:,}",
                *(f"{1e3 * found[rival]['seconds']:.1f}" for rival in RIVALS),
                f"{ratio:.1f}x",
                *(f"{found[rival]['megabytes']:.0f}" for rival in RIVALS),
                "yes" if agree else "NO",
            )
        )
    columns = ["ms, edges", "ms, dense", "faster", "MB, edges", "MB, dense", "same answers"]
    print_table(["nodes", *columns], rows)


def _in_a_process(rival, nodes):
    command = [sys.executable, __file__, "--measure", rival, str(nodes)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(rival, nodes):
    """Returns the median seconds of a call, the growth of peak memory, and a part of the answer."""
    import keras
    import tensorflow as tf

    from attnzoo.layers import GraphAttention

    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    features = tf.constant(generator.normal(size=(nodes, FEATURES)).astype("float32"))
    links = np.unique(generator.integers(0, nodes, (DEGREE * nodes, 2)), axis=0)
    layer = GraphAttention(UNITS, HEADS)
    layer(features[:2], np.array([[0, 1]]))  # Builds it.
    if rival == "edges":
        graph = tf.constant(links.astype("int32"))
        call = tf.function(lambda: layer(features, graph))
    else:
        mask = np.eye(nodes, dtype=bool)  # Row = target, column = source.
        mask[links[:, 1], links[:, 0]] = True
        graph = tf.constant(mask)
        call = tf.function(lambda: dense_attention(layer, features, graph))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outputs = call()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": statistics.median(seconds),
        "megabytes": (peak - before) / 1024,
        "outputs": outputs[:20].numpy().tolist(),
    }


def dense_attention(layer, features, mask):
    """What `layer` computes, over all pairs of nodes, those without an edge masked."""
    import tensorflow as tf

    value = tf.reshape(layer.projections["value"](features), (-1, HEADS, UNITS))
    of_target = tf.reduce_sum(value * layer.query_score, axis=-1)
    of_source = tf.reduce_sum(value * layer.key_score, axis=-1)
    scores = tf.transpose(of_target)[:, :, None] + tf.transpose(of_source)[:, None, :]
    scores = tf.where(mask, tf.nn.leaky_relu(scores, layer.negative_slope), -1e9)
    outputs = tf.einsum("hij,jhd->ihd", tf.nn.softmax(scores), value)
    return tf.reshape(outputs, (-1, HEADS * UNITS)) + layer.bias


if __name__ == "__main__":
    main()
