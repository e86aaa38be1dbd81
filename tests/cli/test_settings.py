"""`--set FIELD=VALUE`: values of the field's own type, or an error that says which."""

from dataclasses import dataclass

import pytest

from attnzoo.cli.settings import split_settings


@dataclass(frozen=True)
class Model:
    hidden_dim: int = 8
    dropout: float = 0.1
    position: str | None = "sinusoidal"
    activation: str | None = None
    causal: bool = False


@dataclass(frozen=True)
class Training:
    epochs: int = 3
    momentum: float | None = 0.9
    monitor: str = "val_accuracy"
    class_weight: str | dict | None = None


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("hidden_dim=16", {"hidden_dim": 16}),
        ("hidden_dim=-1", {"hidden_dim": -1}),
        ("dropout=0.25", {"dropout": 0.25}),
        ("dropout=1e-3", {"dropout": 0.001}),
        ("dropout=1", {"dropout": 1}),
        ("position=learned", {"position": "learned"}),
        ("position=None", {"position": None}),
        ("position=null", {"position": None}),
        ("position=12", {"position": "12"}),
        ("position=a=b", {"position": "a=b"}),
        ("position=", {"position": ""}),
        ("activation=softmax", {"activation": "softmax"}),
        ("activation=none", {"activation": None}),
        ("causal=True", {"causal": True}),
        ("causal=true", {"causal": True}),
        ("causal=false", {"causal": False}),
    ],
)
def test_a_value_is_read_as_the_type_of_its_field(setting, expected):
    (changes,) = split_settings([setting], Model())
    assert changes == expected
    (value,) = expected.values()
    (received,) = changes.values()
    assert type(received) is type(value)


def test_each_setting_goes_to_the_dataclass_that_has_the_field():
    settings = ["epochs=5", "hidden_dim=16", "momentum=None", "causal=true"]
    assert split_settings(settings, Model(), Training()) == [
        {"hidden_dim": 16, "causal": True},
        {"epochs": 5, "momentum": None},
    ]


def test_nothing_set_changes_nothing():
    assert split_settings([], Model(), Training()) == [{}, {}]


def test_the_last_of_two_settings_counts():
    assert split_settings(["hidden_dim=2", "hidden_dim=4"], Model()) == [{"hidden_dim": 4}]


@pytest.mark.parametrize(
    ("setting", "type_name"),
    [
        ("hidden_dim=1.5", "int"),
        ("hidden_dim=big", "int"),
        ("hidden_dim=True", "int"),
        ("hidden_dim=", "int"),
        ("hidden_dim='8'", "int"),
        ("hidden_dim=[8]", "int"),
        ("dropout=half", "float"),
        ("dropout=true", "float"),
        ("causal=1", "bool"),
        ("causal=yes", "bool"),
        ("activation=True", "str"),
        ("activation=[1]", "str"),
    ],
)
def test_a_value_of_another_type_is_refused(setting, type_name):
    with pytest.raises(ValueError, match=f"type {type_name} in --set") as caught:
        split_settings([setting], Model())
    assert setting in str(caught.value)


@pytest.mark.parametrize("setting", ["hidden_dim=None", "causal=none", "dropout=null"])
def test_none_is_refused_where_the_field_may_not_be_none(setting):
    with pytest.raises(ValueError, match="--set"):
        split_settings([setting], Model())


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("hiden_dim=8", "Did you mean hidden_dim?"),
        ("epoch=8", "Did you mean epochs?"),
        ("zzz=8", "Received: --set zzz=8"),
        ("hidden_dim", "Received: --set hidden_dim"),
        ("=8", "Received: --set =8"),
        ("", "with one of the fields"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_one(setting, hint):
    with pytest.raises(ValueError, match="--set FIELD=VALUE") as caught:
        split_settings([setting], Model(), Training())
    assert hint in str(caught.value)


def test_a_dict_is_read_where_a_field_may_be_one():
    (changes,) = split_settings(["class_weight={'bad': 2.5}"], Training())
    assert changes == {"class_weight": {"bad": 2.5}}
    assert split_settings(["class_weight=balanced"], Training()) == [{"class_weight": "balanced"}]
    with pytest.raises(ValueError, match="Expected a value of type"):
        split_settings(["position={'a': 1}"], Model(position=None))
