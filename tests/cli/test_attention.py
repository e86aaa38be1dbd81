"""attnzoo attention: pictures of what a trained model attends to."""

import html
import json
import re

import pytest

TEXT = "a <b>fine</b> film & $5"


def test_a_png_of_every_layer_and_head(attnzoo, trained, tmp_path):
    out = tmp_path / "map.png"
    result = attnzoo("attention", trained.folder, TEXT, "--out", out)
    assert result.code == 0, result.err
    assert "1 layers with up to 2 heads" in result.out
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_page_that_holds_the_tokens_and_their_weights_and_nothing_from_elsewhere(
    attnzoo, trained, tmp_path
):
    out = tmp_path / "map.html"
    result = attnzoo("attention", trained.folder, TEXT, "--out", out, "--json")
    assert result.code == 0, result.err
    answer = json.loads(result.out)
    page = out.read_text(encoding="utf-8")
    assert "http" not in page
    assert "<b>fine" not in page
    data = json.loads(re.search(r'type="application/json">(.*?)</script>', page)[1])
    assert data["ticks"] == answer["ticks"]
    assert data["ticks"][0] == "[CLS]"
    assert "fine" in "".join(data["ticks"]).replace("##", "")
    for layer, (heads, queries, keys) in zip(
        data["scores"], answer["shapes"].values(), strict=True
    ):
        assert [len(layer), len(layer[0]), len(layer[0][0])] == [heads, queries, keys]
        assert all(sum(row) == pytest.approx(1.0, abs=0.01) for head in layer for row in head)
    assert html.escape(str(trained.folder)) in page


def test_a_file_that_is_there_is_kept(attnzoo, trained, tmp_path):
    out = tmp_path / "map.html"
    out.write_text("mine")
    result = attnzoo("attention", trained.folder, TEXT, "--out", out)
    assert result.code == 1
    assert "--overwrite" in result.err
    assert out.read_text() == "mine"
    assert attnzoo("attention", trained.folder, TEXT, "--out", out, "--overwrite").code == 0
    assert out.read_text() != "mine"


@pytest.mark.parametrize("name", ["map.pdf", "map", "nowhere/map.png"])
def test_a_file_that_cannot_be_written_is_refused_before_the_model_is_loaded(
    attnzoo, tmp_path, name
):
    result = attnzoo("attention", tmp_path / "no-model", TEXT, "--out", tmp_path / name)
    assert result.code == 1
    assert "no-model" not in result.err
    assert "Expected" in result.err


def test_an_exported_artefact_is_refused(attnzoo, exported, tmp_path):
    result = attnzoo("attention", exported, TEXT, "--out", tmp_path / "map.png")
    assert result.code == 1
    assert "Expected" in result.err
    assert not (tmp_path / "map.png").exists()
