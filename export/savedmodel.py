"""The SavedModel: raw and tensor signatures over weights that are stored once."""

import tensorflow as tf

from .classification import (
    CLASSIFY,
    classes_and_scores,
    declare_method,
    is_classifier,
    parse_raw,
    parse_tensors,
)
from .formats import STREAM_SIGNATURE
from .quiet import quiet_tensorflow
from .raw_inputs import RAW_INPUTS
from .served_model import traced

DEFAULT = "serving_default"


def write_savedmodel(served, folder, signatures="auto"):
    """Writes a SavedModel that a TF Serving without any of our code can load.

    Args:
        served: `ServedModel`.
        folder: Where to write it.
        signatures: `"auto"`, or a list of those wanted: `"serving_default"` (raw inputs to label
            names, probabilities and logits), `"preprocess"` (raw inputs to the model's tensors),
            `"words"` (of a tagger: sentences that are cut to words), `"tokens"` (tensors to
            outputs) and `"classify"` (where an input gets one label: TF Serving's Classify API on
            examples of raw inputs, or of tensors). Auto means all that there are; for a bare model,
            which has no preprocessor, and for a preprocessor that cannot go into a graph, the last
            two alone, and `"tokens"` is the default one too. Defaults to `"auto"`.

    Returns:
        Dict from the name of each signature to its kind: `"raw"`, `"words"`, `"preprocess"`,
        `"tensors"`, `"classify"` or `"classify_tensors"`; and why the preprocessor cannot go into a
        graph, None if it can.

    Raises:
        ValueError: If a signature is unknown, or needs a preprocessor that cannot go into a graph.
    """
    input_class = None
    if served.preprocessor is not None and served.task.raw_samples(served.config):
        input_class = RAW_INPUTS.get(served.task.name)
    kinds = _wanted(signatures, input_class, is_classifier(served))
    module = _Artefact(served.model)
    reason = None
    if set(kinds.values()) - {"tensors", "classify_tensors"}:
        try:
            module.raw_input = input_class(served.preprocessor)
        except ValueError as error:
            if signatures != "auto":
                raise
            kinds, reason = _wanted(signatures, None, is_classifier(served)), str(error)
    answer = traced(served)
    raw_input = getattr(module, "raw_input", None)
    functions = {
        name: answer if kind == "tensors" else _FUNCTIONS[kind](served, answer, raw_input)
        for name, kind in kinds.items()
    }
    _save(module, folder, functions)
    if CLASSIFY in kinds:
        declare_method(folder)
    return kinds, reason


def write_stream_savedmodel(stream, folder):
    """Writes the step of a stream as a SavedModel, and returns the kind of its one signature.

    Args:
        stream: `ServedStream`.
        folder: Where to write it.
    """
    _save(_Artefact(stream.model), folder, {STREAM_SIGNATURE: traced(stream)})
    return {STREAM_SIGNATURE: "step"}


def _save(module, folder, functions):
    with quiet_tensorflow():
        tf.saved_model.save(
            module,
            str(folder),
            signatures=functions,
            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
        )


class _Artefact(tf.Module):
    """Holds the bare variables.

    Tracking the Keras model too would store each of them twice, and would not load in a
    TensorFlow 1 session, which is how TF Serving loads it.
    """

    def __init__(self, model):
        super().__init__()
        self.weights = [variable.value for variable in model.variables]


def _wanted(signatures, raw_input, classifies):
    """Returns the kind of each signature by name, the default one among them."""
    possible = {"tokens": "tensors"}
    if classifies:
        possible[CLASSIFY] = "classify_tensors" if raw_input is None else "classify"
    if raw_input is not None:
        possible |= {DEFAULT: "raw", "preprocess": "preprocess"}
    if hasattr(raw_input, "from_words"):
        possible["words"] = "words"
    names = sorted(possible) if signatures == "auto" else list(signatures)
    unknown = [name for name in names if name not in possible]
    answers = any(possible.get(name) in _ANSWERING for name in names)
    if (isinstance(signatures, str) and signatures != "auto") or unknown or not answers:
        raise ValueError(
            'Received invalid `signatures`, expected "auto" or a list of some of '
            f"{sorted(possible)}, with one of them that answers the Predict API. "
            f"Received: signatures={signatures!r}"
        )
    wanted = {name: possible[name] for name in names}
    # Without a default, TensorFlow's own tools find nothing to call.
    default = next(kind for kind in wanted.values() if kind in _ANSWERING)
    return {DEFAULT: default, **wanted}


# The function of each kind, made of `answer`, the model as one function from its tensors to its
# outputs, which is traced and stored once whatever number of signatures call it.


def _raw_function(served, answer, raw_input):
    return _answering(served, answer, raw_input, raw_input, raw_input.signature)


def _words_function(served, answer, raw_input):
    return _answering(served, answer, raw_input, raw_input.from_words, raw_input.words_signature)


def _answering(served, answer, raw_input, preprocess, signature):
    """Returns the function from raw inputs to named labels, beside what is said of the inputs."""

    @tf.function(input_signature=[signature], autograph=False)
    def raw_to_outputs(values):
        tensors, found = preprocess(values)
        outputs = answer(**tensors)
        if "label" in outputs:
            outputs |= raw_input.named_outputs(outputs, tensors, served.labels)
        return {**outputs, **found}

    return raw_to_outputs


def _preprocess_function(served, answer, raw_input):
    @tf.function(input_signature=[raw_input.signature], autograph=False)
    def raw_to_tensors(values):
        return raw_input(values)[0]

    return raw_to_tensors


def _classify_function(served, answer, raw_input):
    def tensors_of(examples):
        return raw_input(parse_raw(examples, raw_input.signature.name))[0]

    return _classifying(served, answer, tensors_of)


def _classify_tensors_function(served, answer, raw_input):
    return _classifying(served, answer, lambda examples: parse_tensors(examples, served))


def _classifying(served, answer, tensors_of):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")], autograph=False)
    def examples_to_scores(inputs):
        answers = answer(**tensors_of(inputs))
        return classes_and_scores(answers["probabilities"], served.labels)

    return examples_to_scores


# Kinds that answer the Predict API, of which one is the default.
_ANSWERING = ("tensors", "raw", "words")
_FUNCTIONS = {
    "raw": _raw_function,
    "words": _words_function,
    "preprocess": _preprocess_function,
    "classify": _classify_function,
    "classify_tensors": _classify_tensors_function,
}
