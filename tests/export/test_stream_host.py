"""The exported step of a stream: run as a host would, it answers as the model does to the whole."""

import json
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from attnzoo import export, zoo
from attnzoo.zoo.files import checksums
from attnzoo.zoo.raw_audio import wav_bytes

from .engines import ServingSession
from .small_models import make_source, randomise

pytestmark = pytest.mark.slow

ONNX, SAVEDMODEL = "onnx/model.streaming.onnx", "savedmodel_streaming/1"
SIZES = {
    "sampling_rate": 2000,
    "num_mels": 8,
    "hidden_dim": 16,
    "intermediate_dim": 24,
    "att_context_size": (5, 3),
    "num_classes": 4,
}


def encoder(**overrides):
    """A bare speech encoder, its weights at random."""
    keras.utils.set_random_seed(0)
    return randomise(zoo.build("speech_encoder/tiny", **{**SIZES, **overrides}))


@pytest.fixture(scope="module")
def pipeline():
    return make_source("speech_encoder")


@pytest.fixture(scope="module")
def dist(pipeline, tmp_path_factory):
    """An artefact of a step alone, in both formats, the one written after the other."""
    folder = tmp_path_factory.mktemp("streaming") / "dist"
    for format_name in ("onnx", "savedmodel"):
        assert export.streaming(pipeline, folder, format_name).passed
    return folder


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def described(folder, name=ONNX):
    return manifest_of(folder)["variants"][name]


class Host:
    """What a serving team writes from the manifest: a loop around a runtime, without our code."""

    def __init__(self, folder, name=ONNX, optimized=True):
        self.variant = described(folder, name)
        if self.variant["format"] == "onnx":
            options = onnxruntime.SessionOptions()
            if not optimized:
                level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
                options.graph_optimization_level = level
            session = onnxruntime.InferenceSession(str(folder / name), options)
            names = [output.name for output in session.get_outputs()]
            self.run = lambda fed: dict(zip(names, session.run(None, fed), strict=True))
        else:
            session = ServingSession(folder / name)
            self.run = lambda fed: session.run("serving_default", fed)

    def answers(self, recordings, lengths, lose=None):
        """The answers of each stream, by name; `lose` names a tensor that is lost at each step."""
        first, _, *state_specs = self.variant["inputs"]
        size, stream = first["shape"][1], self.variant["streaming"]
        state = {
            spec["name"]: np.zeros((len(lengths), *spec["shape"][1:]), spec["dtype"])
            for spec in state_specs
        }
        chunks = -(-recordings.shape[1] // size)
        flushes = -(-stream["lookahead_frames"] // stream["chunk_size"])
        padding = (chunks + flushes) * size - recordings.shape[1]
        recordings = np.pad(recordings, [(0, 0), (0, padding), *[(0, 0)] * (recordings.ndim - 2)])
        parts = []
        for begin in range(0, recordings.shape[1], size):
            if lose is not None:
                state[lose] = np.zeros_like(state[lose])
            fed = {
                first["name"]: recordings[:, begin : begin + size],
                "lengths": np.clip(np.asarray(lengths) - begin, 0, size).astype("int32"),
            }
            answer = self.run({**fed, **state})
            state = {name: answer.pop(f"next_{name}") for name in state}
            parts.append(answer)
        joined = {name: np.concatenate([part[name] for part in parts], 1) for name in parts[0]}
        real = joined.pop("padding_mask")
        return [
            {name: array[row][real[row]] for name, array in joined.items()}
            for row in range(len(lengths))
        ]


def recordings_of(model, lengths, seed=3):
    """Noise, louder where there is padding."""
    config, generator = zoo.config_of(model), np.random.default_rng(seed)
    inner = (config.num_mels,) if config.input == "features" else ()
    scale = 1.0 if inner else 0.1
    recordings = scale * generator.normal(size=(len(lengths), max(lengths), *inner))
    for row, length in zip(recordings, lengths, strict=True):
        row[length:] *= 50
    return recordings.astype("float32")


def whole(model, recordings, lengths):
    """What Keras answers to each recording, alone and unpadded."""
    config = zoo.config_of(model)
    return [
        np.asarray(model({config.input: row[None, :length]}, training=False))[0]
        if length >= config.steps_per_vector
        else np.zeros((0, config.num_classes or config.hidden_dim), "float32")
        for row, length in zip(recordings, lengths, strict=True)
    ]


def check_answers(model, host, lengths, output="logits"):
    recordings = recordings_of(model, lengths)
    expected = whole(model, recordings, lengths)
    for answer, reference in zip(host.answers(recordings, lengths), expected, strict=True):
        assert answer[output].shape == reference.shape
        np.testing.assert_allclose(answer[output], reference, rtol=0, atol=1e-5)
        if output == "logits":
            np.testing.assert_array_equal(answer["label"], reference.argmax(-1))


HOSTS = pytest.mark.parametrize(
    ("name", "optimized"),
    [(ONNX, False), (ONNX, True), (SAVEDMODEL, True)],
    ids=["onnx", "onnx optimized", "session"],
)
# Of a vector of 80 samples and a chunk of 640: nothing, parts, whole ones, many.
LENGTHS = ([80], [640, 1], [5000, 0, 1283, 79, 641], [8 * 640])


@HOSTS
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_a_host_is_answered_as_the_whole_recording_would_be(
    dist, pipeline, name, optimized, lengths
):
    check_answers(pipeline.model, Host(dist, name, optimized), lengths)


@HOSTS
def test_every_tensor_of_the_state_matters(dist, pipeline, name, optimized):
    host, lengths = Host(dist, name, optimized), [8 * 640]
    recordings = recordings_of(pipeline.model, lengths)
    (expected,) = host.answers(recordings, lengths)
    for spec in host.variant["inputs"][2:]:
        (answer,) = host.answers(recordings, lengths, lose=spec["name"])
        differs = answer["logits"].shape != expected["logits"].shape
        assert differs or np.abs(answer["logits"] - expected["logits"]).max() > 1e-4, spec


@pytest.mark.parametrize("name", [ONNX, SAVEDMODEL])
def test_our_own_host_is_answered_alike(dist, pipeline, name):
    lengths = [3000, 900, 0]
    recordings = recordings_of(pipeline.model, lengths)
    stream = export.load_stream(dist / name)
    ours = zoo.StreamingEncoder(pipeline.model, stream.chunk_size)
    assert stream.initial_state(3).keys() == ours.initial_state(3).keys()
    for answer, reference in zip(
        stream.answers(recordings, lengths), ours.answers(recordings, lengths), strict=True
    ):
        assert answer.keys() == {*reference, "label", "probabilities"}
        np.testing.assert_array_equal(answer["padding_mask"], reference["padding_mask"])
        real = reference["padding_mask"]
        np.testing.assert_allclose(
            answer["logits"][real], reference["logits"][real], rtol=0, atol=1e-5
        )


# === What is written ===


def test_the_state_is_batch_first_and_of_fixed_shape(dist, pipeline):
    variant = described(dist)
    encoder = zoo.StreamingEncoder(pipeline.model, 8)
    inputs = {spec["name"]: spec for spec in variant["inputs"]}
    outputs = {spec["name"]: spec for spec in variant["outputs"]}
    assert list(inputs)[:2] == ["waveform", "lengths"]
    assert inputs["waveform"]["shape"] == ["batch", 640]
    for name, value in encoder.initial_state(1).items():
        for spec in (inputs[name], outputs[f"next_{name}"]):
            assert spec["shape"] == ["batch", *value.shape[1:]]
            assert spec["dtype"] == value.dtype.name
    assert outputs["logits"]["shape"] == ["batch", 8, 4]
    assert variant["streaming"] == {
        "chunk_size": 8,
        "steps_per_chunk": 640,
        "lookahead_frames": encoder.lookahead_frames,
        "latency_ms": encoder.latency_ms,
        "vector_ms": 40,
        "sampling_rate": 2000,
    }


def test_the_onnx_file_names_its_tensors_as_the_manifest_does(dist):
    onnx.checker.check_model(str(dist / ONNX), full_check=True)
    graph = onnx.load(dist / ONNX).graph
    for values, key in ((graph.input, "inputs"), (graph.output, "outputs")):
        received = [
            (v.name, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
            for v in values
        ]
        assert received == [(spec["name"], spec["shape"]) for spec in described(dist)[key]]


def test_the_program_of_the_readme_runs_as_it_stands(dist, pipeline, tmp_path):
    readme = (dist / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    samples = recordings_of(pipeline.model, [3333])[0]
    recording = wav_bytes(samples, 2000)
    for file in dist.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "recording.wav").write_bytes(recording)
    blocked = "import sys; sys.modules['attnzoo'] = sys.modules['tensorflow'] = None\n"
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"{blocked}{program}\nprint(answers)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    (logits,) = pipeline.logits([recording])
    assert json.loads(result.stdout) == logits.argmax(-1).tolist()


def test_it_stands_beside_what_takes_whole_recordings(dist, pipeline, tmp_path):
    shutil.copytree(dist, tmp_path / "dist")
    export.to_onnx(pipeline, tmp_path / "dist")
    assert manifest_of(tmp_path / "dist")["variants"].keys() == {
        "onnx/model.onnx",
        ONNX,
        SAVEDMODEL,
    }
    assert export.verify(tmp_path / "dist").passed
    assert export.load(tmp_path / "dist")([(np.zeros(800, "int16"), 2000)])
    assert export.load_stream(tmp_path / "dist").steps_per_chunk == 640


def test_a_step_that_is_there_is_not_replaced_unless_that_is_wanted(dist, pipeline, tmp_path):
    shutil.copytree(dist, tmp_path / "dist")
    with pytest.raises(FileExistsError, match=r"no onnx/model\.streaming\.onnx in"):
        export.streaming(pipeline, tmp_path / "dist", chunk_size=3)
    export.streaming(pipeline, tmp_path / "dist", chunk_size=3, overwrite=True)
    assert export.load_stream(tmp_path / "dist").chunk_size == 3
    assert export.load_stream(tmp_path / "dist" / SAVEDMODEL).chunk_size == 8
    assert export.verify(tmp_path / "dist").passed
    listed = {
        name
        for part in (
            manifest_of(tmp_path / "dist"),
            *manifest_of(tmp_path / "dist")["variants"].values(),
        )
        for name in part["files"]
    }
    stream_samples = (tmp_path / "dist" / "samples_streaming").rglob("*.npz")
    assert {p.relative_to(tmp_path / "dist").as_posix() for p in stream_samples} <= listed


# === Other encoders ===


@pytest.mark.parametrize(
    ("overrides", "chunk_size"),
    [
        ({"att_context_style": "chunked_limited"}, 8),
        ({"att_context_size": [(4, 0), (5, 3)]}, 2),
        ({"head": "frames", "subsampling": 2}, 5),
    ],
    ids=["two chunks", "several windows", "frames"],
)
def test_other_encoders_stream_too(tmp_path, overrides, chunk_size):
    model = encoder(**overrides)
    assert export.streaming(model, tmp_path / "dist", chunk_size=chunk_size).passed
    assert described(tmp_path / "dist")["streaming"]["chunk_size"] == chunk_size
    check_answers(model, Host(tmp_path / "dist"), [3000, 1111])


def test_features_go_in_where_the_model_takes_them(tmp_path):
    model = encoder(input="features")
    export.streaming(model, tmp_path / "dist")
    assert described(tmp_path / "dist")["inputs"][0]["shape"] == ["batch", 32, 8]
    check_answers(model, Host(tmp_path / "dist"), [150, 61])


def test_a_backbone_answers_its_vectors(tmp_path):
    model = encoder(num_classes=0)
    export.streaming(model, tmp_path / "dist")
    check_answers(model, Host(tmp_path / "dist"), [3000, 1111], "embedding")


def test_a_mixed_precision_model_streams_in_float32(tmp_path):
    mixed = encoder(dtype="mixed_bfloat16")
    export.streaming(mixed, tmp_path / "dist")
    check_answers(encoder(), Host(tmp_path / "dist"), [3000])


# === Verification ===


def break_onnx(dist, folder, change):
    """Changes a copy's file, its checksum made right, and returns the checks that fail of it."""
    shutil.copytree(dist, folder)
    model = onnx.load(folder / ONNX)
    change(model.graph)
    onnx.save(model, folder / ONNX)
    manifest = manifest_of(folder)
    manifest["variants"].pop(SAVEDMODEL)
    files = manifest["variants"][ONNX]["files"]
    files.update(checksums(folder, [ONNX]))
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(export.VerificationError) as caught:
        export.verify(folder)
    return {check.name: check.detail for check in caught.value.report.failures}


def lose(name):
    """Lets a tensor of the state come out as zeros."""

    def change(graph):
        node = next(node for node in graph.node if f"next_{name}" in node.output)
        node.output[list(node.output).index(f"next_{name}")] = "kept"
        graph.node.append(helper.make_node("Sub", ["kept", "kept"], [f"next_{name}"]))

    return change


@pytest.mark.parametrize("name", ["encoder_block_1_key", "log_mel_samples", "subsampling_stage_1"])
def test_a_state_that_is_lost_is_found(dist, tmp_path, name):
    failures = break_onnx(dist, tmp_path / "dist", lose(name))
    for state in ("off", "on"):
        assert (
            "logits differs by"
            in (failures[f"streams as whole recordings, graph optimisations {state}"])
        )
        assert f"when {name} is lost" in failures[f"state lost, graph optimisations {state}"]


def test_a_stream_that_hears_its_neighbour_is_found(dist, tmp_path):
    def mix(graph):
        """Answers each stream with the mean of all."""
        node = next(node for node in graph.node if "logits" in node.output)
        node.output[list(node.output).index("logits")] = "own"
        axes = helper.make_tensor("batch_axis", onnx.TensorProto.INT64, [1], [0])
        graph.initializer.append(axes)
        graph.node.append(helper.make_node("ReduceMean", ["own", "batch_axis"], ["mean"]))
        graph.node.append(helper.make_node("Sub", ["own", "own"], ["nothing"]))
        graph.node.append(helper.make_node("Add", ["mean", "nothing"], ["logits"]))

    failures = break_onnx(dist, tmp_path / "dist", mix)
    assert any(name.startswith("streams side by side") for name in failures)


def test_samples_that_are_missing_are_found(dist, tmp_path):
    def change(graph):
        for file in (tmp_path / "dist" / "samples_streaming").rglob("*.npz"):
            file.unlink()

    assert "missing" in break_onnx(dist, tmp_path / "dist", change)["files"]


def test_the_waves_of_the_front_end_are_counted_apart_from_weights(dist):
    variant = described(dist)
    fft, frame, mels = 64, 50, 8
    front_end = 4 * (frame * (fft + 2) + (fft // 2 + 1) * mels)
    assert front_end <= variant["constant_bytes"] <= 1.5 * front_end
