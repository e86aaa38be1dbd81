"""A pairwise covering array over the pieces of attention: every two options meet in some model.

    python -m tests.attention_pairs

prints the models and their number.
"""

import itertools

# A reach is what `causal`, `window` and their like say together.
REACHES = {
    "full": {},
    "causal": {"causal": True},
    "window": {"window": (3, 2)},
    "chunked": {"window": (4, 2), "window_style": "chunked_limited"},
    "global": {"window": (2, 2), "global_tokens": 1},
}
FACTORS = {
    "attention": ["multi_head", "linear", "nystrom"],
    "score": ["dot", "additive"],
    "normalizer": ["softmax", "sparsemax", "entmax15", "relu", "sigmoid"],
    "position": [
        *(None, "sinusoidal", "learned", "conditional"),
        *("rope", "relative", "t5", "shaw", "alibi"),
    ],
    "reach": list(REACHES),
}
# The model of the README, which comes first.
DOCUMENTED = {
    "attention": "multi_head",
    "score": "additive",
    "normalizer": "entmax15",
    "position": "alibi",
    "reach": "full",
}
# What the other kinds of attention have of each factor.
OF_KIND = {
    "linear": {
        "score": ["dot"],
        "normalizer": ["softmax"],
        "position": [None, "sinusoidal", "learned", "conditional"],
        "reach": ["full", "causal"],
    },
    "nystrom": {
        "score": ["dot"],
        "normalizer": ["softmax"],
        "position": [None, "sinusoidal", "learned", "conditional"],
        "reach": ["full"],
    },
}


def has_meaning(model):
    """Whether a dict from factor to option, which may be partial, can be built."""
    if model.get("position") == "conditional" and model.get("reach") == "causal":
        return False  # Its convolution looks ahead.
    allowed = OF_KIND.get(model.get("attention"), {})
    return all(model[factor] in allowed.get(factor, FACTORS[factor]) for factor in model)


def meaningful_models():
    """Every whole combination that can be built."""
    for options in itertools.product(*FACTORS.values()):
        model = dict(zip(FACTORS, options, strict=True))
        if has_meaning(model):
            yield model


def pairs_of(model):
    """The pairs of options that a model has, each as two `(factor, option)`."""
    return set(itertools.combinations(model.items(), 2))


def covering_models():
    """Few models that together have every pair; each next one has the most that are missing."""
    models = list(meaningful_models())
    chosen = [DOCUMENTED]
    missing = set().union(*map(pairs_of, models)) - pairs_of(DOCUMENTED)
    while missing:
        best = max(models, key=lambda model: len(pairs_of(model) & missing))
        chosen.append(best)
        missing -= pairs_of(best)
    return chosen


def overrides(model):
    """The fields of a configuration that make a model."""
    fields = {name: option for name, option in model.items() if name != "reach"}
    return {**fields, **REACHES[model["reach"]]}


def main():
    """Prints the models and how many there are."""
    chosen = covering_models()
    for model in chosen:
        print("  ".join(f"{factor}={option}" for factor, option in model.items()))
    pairs = set().union(*map(pairs_of, chosen))
    total = sum(1 for _ in meaningful_models())
    print(f"{len(chosen)} models have all {len(pairs)} pairs of options, of {total} models in all")


if __name__ == "__main__":
    main()
