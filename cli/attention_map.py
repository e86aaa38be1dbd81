"""Attention weights as heat-maps: a row of maps for each layer, a column for each head."""

# More labels than that cannot be read.
_MOST_LABELS = 40
_INCHES_PER_MAP = 2.4


def draw_attention_map(path, scores, ticks, title):
    """Draws `(heads, query, key)` weights of each layer to a PNG.

    Args:
        path: The PNG.
        scores: Dict from layer name to an array `(heads, query, key)`.
        ticks: What the positions are called: tokens, patches, times.
        title: Title of the picture.
    """
    from matplotlib.figure import Figure

    heads = max(len(weights) for weights in scores.values())
    # One scale for all maps, up to the largest weight: most are far from one, ReLU's may be above.
    largest = max(weights.max() for weights in scores.values()) or 1.0
    size = _INCHES_PER_MAP + 0.06 * min(len(ticks), _MOST_LABELS)
    figure = Figure(figsize=(size * heads + 1, size * len(scores) + 1), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(len(scores), heads, squeeze=False, sharex=True, sharey=True)
    step = -(-len(ticks) // _MOST_LABELS)
    places = range(0, len(ticks), step)
    for row, (name, weights) in zip(grid, scores.items(), strict=True):
        for axes in row[len(weights) :]:
            axes.axis("off")
        for head, (axes, of_head) in enumerate(zip(row, weights, strict=False)):
            image = axes.imshow(of_head, vmin=0.0, vmax=largest, cmap="viridis")
            axes.set_title(f"{name}, head {head}", fontsize=8)
            labels = [ticks[place] for place in places]
            # `$` would begin mathematics.
            labels = [label.replace("$", r"\$") for label in labels]
            axes.set_xticks(places, labels, rotation=90, fontsize=6)
            axes.set_yticks(places, labels, fontsize=6)
        row[0].set_ylabel("looks from", fontsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("looks at", fontsize=8)
    figure.colorbar(image, ax=grid, shrink=0.6, label="attention weight")
    figure.savefig(path, dpi=120)
