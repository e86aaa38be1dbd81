"""The presets that users train, in all the shapes that an artefact is verified on and more."""

import functools

import numpy as np
import pytest

from attnzoo import export, zoo

from .engines import OnnxSession, ServingSession, fresh_tensors, keras_answers
from .small_models import randomise, task_of

PRESETS = [name for name in zoo.list_presets(pretrained=False) if not name.endswith("/tiny")]
# A larger model is the same code, and several copies of it do not fit a small machine.
MOST_PARAMETERS = 10_000_000


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_exports_to_both_formats_in_all_shapes(preset, tmp_path):
    model = zoo.build(preset, weights=None)
    if model.count_params() > MOST_PARAMETERS:
        pytest.skip(f"{preset} has more than {MOST_PARAMETERS:,} parameters")
    randomise(model)
    config, task = zoo.config_of(model), task_of(preset)
    report = export.to_artefact(model, tmp_path / "dist")
    assert report.passed
    serving = ServingSession(tmp_path / "dist" / "savedmodel" / "1")
    onnx_file = tmp_path / "dist" / "onnx" / "model.onnx"
    engines = [
        OnnxSession(onnx_file).run,
        OnnxSession(onnx_file, optimized=False).run,
        functools.partial(serving.run, "tokens"),
    ]
    longest = task.longest(config) // getattr(config, "steps_per_vector", 1)
    for batch in (1, 2, 5):
        for length in {min(n, longest) for n in (1, 2, 31, longest)}:
            lengths = np.linspace(0 if batch > 1 else length, length, batch).astype(int)
            tensors = fresh_tensors(task, config, lengths, seed=batch * length)
            expected = keras_answers(model, task, config, tensors)
            sizes = np.abs(expected)
            # Padding of CTC, which is sure to be blank, is not what the others are measured by.
            limit = 2e-5 * sizes[sizes < 1e4].max(initial=1.0)
            for run in engines:
                answers = run(tensors)
                np.testing.assert_allclose(answers["logits"], expected, rtol=0, atol=limit)
