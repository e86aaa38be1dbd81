"""Engines that `verify` asks where it is told to: each says so where it cannot be run here."""

from .artefact import SAMPLES_FOLDER
from .checking import check, compare_in_precision, compare_samples, signature_answers
from .report import Check
from .samples import read_samples


def engine_checks(engine, artefact, names):
    """Yields the checks of one engine.

    Args:
        engine: One of `formats.ENGINES`.
        artefact: `Artefact`.
        names: The variants that may be run, of which it takes those that it can.
    """
    yield from _CHECKS[engine](artefact, names)


def _c_library(artefact, names):
    """Runs SavedModels in TensorFlow's C library, which is TF Serving's way of loading."""
    from .c_library import CLibrary, why_not

    what, reason = "answers of `tokens` in TensorFlow's C library", why_not()

    def answers(name):
        samples = list(read_samples(artefact.path / SAMPLES_FOLDER))
        inputs = [sample.inputs for sample in samples]
        answers = iter(CLibrary(artefact.path / name).run("tokens", inputs))
        return compare_samples(artefact, lambda _: next(answers))

    for name in names:
        if "tokens" not in artefact.variants[name].get("signatures", ()):
            continue
        if reason is not None:
            yield Check(name, what, None, reason)
        else:
            yield check(name, what, lambda n=name: answers(n))


def _openvino(artefact, names):
    """Runs ONNX files in OpenVINO."""
    from .openvino_engine import OpenVinoEngine, why_not

    def answers(path, variant):
        return compare_in_precision(artefact, variant, OpenVinoEngine(path).run)

    yield from _onnx_files(artefact, names, "answers in OpenVINO", why_not(), answers)


def _onnxruntime_web(artefact, names):
    """Runs ONNX files in the WebAssembly that browsers run."""
    from .onnxruntime_web import OnnxRuntimeWeb, why_not

    def answers(path, variant):
        with OnnxRuntimeWeb(path) as engine:
            return compare_in_precision(artefact, variant, engine.run)

    yield from _onnx_files(artefact, names, "answers in onnxruntime-web", why_not(), answers)


def _onnx_files(artefact, names, what, why_not, answers):
    """Yields a check for each ONNX file but steps of a stream: of `answers(path, variant)`."""
    for name in names:
        variant = artefact.variants[name]
        if variant["format"] != "onnx" or "streaming" in variant:
            continue
        if why_not is not None:
            yield Check(name, what, None, why_not)
        else:
            yield check(name, what, lambda n=name, v=variant: answers(artefact.path / n, v))


def _tf_serving(artefact, names):
    """Starts TF Serving, and asks it for every signature over REST and gRPC."""
    from .tf_serving import TfServing, why_not

    what, reason = "answers of TF Serving over REST and gRPC", why_not()
    names = [name for name in names if name.startswith("savedmodel/")]
    if reason is not None:
        for name in names:
            yield Check(name, what, None, reason)
        return
    if not names:
        return
    try:
        with TfServing(artefact) as server:
            for name in names:
                for protocol, client in server.clients(name.partition("/")[2]).items():
                    for signature, kind in artefact.variants[name]["signatures"].items():
                        yield check(
                            name,
                            f"answers of `{signature}` in TF Serving over {protocol}",
                            lambda c=client, s=signature, k=kind: signature_answers(
                                artefact, c, s, k, c.takes
                            ),
                        )
    except RuntimeError as error:
        yield Check("artefact", what, False, str(error))


_CHECKS = {
    "c_library": _c_library,
    "onnxruntime_web": _onnxruntime_web,
    "openvino": _openvino,
    "tfserving": _tf_serving,
}
