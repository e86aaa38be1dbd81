import keras
import numpy as np
import pytest

from attnzoo.layers import NamedInputsModel

ONE, TWO = np.full((4, 3), 1.0, "float32"), np.full((4, 3), 2.0, "float32")
TARGETS = np.zeros((4, 3), "float32")


@keras.saving.register_keras_serializable("attnzoo_tests")
class WeightedSum(keras.layers.Layer):
    """`first + 10 second`, times a weight; tells the inputs apart and does without the second."""

    def build(self, first_shape, second_shape=None):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def call(self, first, second=None):
        return self.scale * (first if second is None else first + 10.0 * second)

    def compute_output_shape(self, first_shape, second_shape=None):
        return first_shape


@pytest.fixture
def model():
    inputs = {
        "zulu": keras.Input((3,), name="zulu"),
        "alpha": keras.Input((3,), name="alpha", optional=True),
    }
    outputs = WeightedSum(name="weighted_sum")(inputs["zulu"], inputs["alpha"])
    model = NamedInputsModel(inputs, outputs, name="named")
    model.compile("sgd", "mse")
    return model


CALLS = {
    "call": lambda model, inputs: model(inputs),
    "predict": lambda model, inputs: model.predict(inputs, verbose=0),
    "evaluate": lambda model, inputs: model.evaluate(inputs, TARGETS, verbose=0),
    "fit": lambda model, inputs: model.fit(inputs, TARGETS, verbose=0),
}
every_way_to_call = pytest.mark.parametrize("way", CALLS)


def test_inputs_are_told_apart_by_name_in_any_order(model):
    for inputs in ({"zulu": ONE, "alpha": TWO}, {"alpha": TWO, "zulu": ONE}):
        np.testing.assert_array_equal(model(inputs), np.full((4, 3), 21.0))
        np.testing.assert_array_equal(model.predict(inputs, verbose=0), np.full((4, 3), 21.0))


@every_way_to_call
def test_an_unknown_key_is_refused(model, way):
    message = r"keys \['alpha', 'zulu'\] \(\['alpha'\] may be left out\).*'beta', 'zulu'\]"
    with pytest.raises(ValueError, match=message):
        CALLS[way](model, {"zulu": ONE, "beta": TWO})


@every_way_to_call
def test_an_extra_key_is_refused(model, way):
    with pytest.raises(ValueError, match=r"Received: \['alpha', 'beta', 'zulu'\]"):
        CALLS[way](model, {"zulu": ONE, "alpha": TWO, "beta": TWO})


@every_way_to_call
def test_a_missing_key_is_refused(model, way):
    with pytest.raises(ValueError, match=r"unknown or missing inputs.*Received: \['alpha'\]"):
        CALLS[way](model, {"alpha": TWO})


@every_way_to_call
def test_an_optional_input_may_be_left_out(model, way):
    CALLS[way](model, {"zulu": ONE})


def test_an_optional_input_that_is_left_out_is_none(model):
    np.testing.assert_array_equal(model({"zulu": ONE}), ONE)
    np.testing.assert_array_equal(model({"zulu": ONE, "alpha": None}), ONE)
    np.testing.assert_array_equal(model.predict({"zulu": ONE}, verbose=0), ONE)


@pytest.mark.parametrize(("inputs", "kind"), [([ONE, TWO], "list"), ((ONE, TWO), "tuple")])
def test_what_is_no_dict_is_refused(model, inputs, kind):
    with pytest.raises(ValueError, match=f"expected a dict with the keys .* Received: {kind}"):
        model(inputs)


def test_a_bare_tensor_is_refused(model):
    with pytest.raises(ValueError, match="expected a dict with the keys"):
        model(ONE)


def test_an_unknown_call_keyword_is_refused(model):
    with pytest.raises(TypeError, match=r"`named`.*Received: return_attention_scores"):
        model({"zulu": ONE}, return_attention_scores=True)
    np.testing.assert_array_equal(model({"zulu": ONE}, training=False), ONE)


def test_it_is_a_functional_model_that_can_be_taken_apart(model):
    assert isinstance(model, keras.Model)
    inside = keras.Model(model.inputs, model.get_layer("weighted_sum").output)
    assert inside.output_shape == (None, 3)


def test_it_learns(model):
    before = [weight.numpy() for weight in model.weights]
    model.fit({"zulu": ONE, "alpha": TWO}, TARGETS, verbose=0)
    assert np.abs(model.weights[0].numpy() - before[0]) > 0.1


def test_it_can_be_called_inside_another_functional_model(model):
    zulu, alpha = keras.Input((3,)), keras.Input((3,))
    outer = keras.Model([zulu, alpha], model({"zulu": zulu, "alpha": alpha}))
    np.testing.assert_array_equal(outer([ONE, TWO]), np.full((4, 3), 21.0))
    with pytest.raises(ValueError, match="unknown or missing inputs"):
        model({"zulu": zulu, "beta": alpha})


def test_inside_another_functional_model_too_an_optional_input_may_be_left_out(model):
    zulu = keras.Input((3,))
    outer = keras.Model(zulu, model({"zulu": zulu}))
    np.testing.assert_array_equal(outer(ONE), ONE)


def test_saving_keeps_class_outputs_and_metadata(model, tmp_path):
    model.metadata = {"name": "sentiment_classifier", "config": {"labels": ["no", "yes"]}}
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is NamedInputsModel
    assert loaded.metadata == model.metadata
    inputs = {"zulu": ONE, "alpha": TWO}
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    np.testing.assert_array_equal(loaded({"zulu": ONE}), ONE)
    with pytest.raises(ValueError, match="unknown or missing inputs"):
        loaded({"alpha": TWO})


def test_a_configuration_makes_an_equal_model(model):
    model.metadata = {"version": 1}
    copy = NamedInputsModel.from_config(model.get_config())
    assert copy.get_config() == model.get_config()
    assert copy.metadata == {"version": 1}


def test_metadata_is_an_empty_dict_until_it_is_set(model):
    assert model.metadata == {}


def test_a_clone_too_refuses_an_unknown_key(model):
    clone = keras.models.clone_model(model)
    with pytest.raises(ValueError, match="unknown or missing inputs"):
        clone({"zulu": ONE, "beta": TWO})


def test_inputs_without_names_are_refused_at_construction():
    states = keras.Input((3,))
    with pytest.raises(ValueError, match="dict"):
        NamedInputsModel([states], states * 2.0)
