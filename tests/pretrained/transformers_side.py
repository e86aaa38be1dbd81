"""What transformers does, in an interpreter of its own: writes small checkpoints, reads ours.

`python transformers_side.py write FOLDER` writes one folder for each case, with `expected.npz`.
`python transformers_side.py read FOLDER...` answers `FOLDER.inputs.npz` in `FOLDER.outputs.npz`.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "good",
    "bad",
    "film",
    "##s",
    "very",
    "a",
    "!",
)
VOCABULARY = 40
LENGTHS = (9, 4, 1, 7)
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "max_position_embeddings": 20,
}
IMAGES = {
    **{key: SIZES[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")},
    "image_size": [12, 8],
    "patch_size": 4,
}
VIT = {**IMAGES, "intermediate_size": 32}
GOOGLE_VIT = {**VIT, "image_size": [12, 12], "layer_norm_eps": 1e-6}
DINO = {**IMAGES, "image_size": [12, 12], "mlp_ratio": 2, "layerscale_value": 0.5}
DISTIL = {
    "vocab_size": VOCABULARY,
    "dim": 24,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 32,
    "max_position_embeddings": 20,
}
ELECTRA = {**SIZES, "embedding_size": 16}
ROBERTA = {**SIZES, "type_vocab_size": 1, "pad_token_id": 1}
MODERN = {**SIZES, "num_hidden_layers": 5, "local_attention": 4, "pad_token_id": 0}
LABELS = {0: "bad", 1: "good", 2: "so-so"}
RATE = 16000
FRAMES = (19, 8, 1, 14)
WITH_DECODER = {
    "vocab_size": VOCABULARY,
    "d_model": 24,
    **{f"{side}_layers": 2 for side in ("encoder", "decoder")},
    **{f"{side}_attention_heads": 4 for side in ("encoder", "decoder")},
    **{f"{side}_ffn_dim": 32 for side in ("encoder", "decoder")},
}
WHISPER = {
    **WITH_DECODER,
    "num_mel_bins": 6,
    "max_source_positions": 10,
    **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 1),
}
SAMPLES = (2000, 1111, 400, 850)
SYMBOLS = ("<s>", "</s>", "<unk>", "|", "A", "B", "C", "'")
WAV2VEC2 = {
    **{key: SIZES[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")},
    "intermediate_size": 32,
    "vocab_size": len(SYMBOLS) + 1,
    "conv_dim": (8, 8, 8, 8, 8, 8, 12),
    "num_conv_pos_embeddings": 6,
    "num_conv_pos_embedding_groups": 4,
}
# As large ones are, and with the blank where one ends up that is added to a vocabulary.
WAV2VEC2_STABLE = {
    **WAV2VEC2,
    "conv_bias": True,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "num_conv_pos_embeddings": 5,
    "pad_token_id": 5,
}
SPEECH_TO_TEXT = {**WITH_DECODER, "conv_channels": 20, "input_feat_per_channel": 6}

# Name of a case -> (class, configuration, what else to know).
CASES = {
    "bert": ("BertForSequenceClassification", transformers.BertConfig, SIZES),
    "bert_tokens": ("BertForTokenClassification", transformers.BertConfig, SIZES),
    "bert_backbone": ("BertModel", transformers.BertConfig, SIZES),
    "bert_pretraining": ("BertForPreTraining", transformers.BertConfig, SIZES),
    "distilbert": ("DistilBertForSequenceClassification", transformers.DistilBertConfig, DISTIL),
    "distilbert_tokens": (
        "DistilBertForTokenClassification",
        transformers.DistilBertConfig,
        DISTIL,
    ),
    "distilbert_backbone": ("DistilBertModel", transformers.DistilBertConfig, DISTIL),
    "electra": ("ElectraForSequenceClassification", transformers.ElectraConfig, ELECTRA),
    "electra_tokens": ("ElectraForTokenClassification", transformers.ElectraConfig, ELECTRA),
    "electra_backbone": ("ElectraModel", transformers.ElectraConfig, ELECTRA),
    "roberta": ("RobertaForSequenceClassification", transformers.RobertaConfig, ROBERTA),
    "roberta_tokens": ("RobertaForTokenClassification", transformers.RobertaConfig, ROBERTA),
    "roberta_backbone": ("RobertaModel", transformers.RobertaConfig, ROBERTA),
    "xlm_roberta": (
        "XLMRobertaForSequenceClassification",
        transformers.XLMRobertaConfig,
        {**ROBERTA, "pad_token_id": 3},
    ),
    "modernbert": ("ModernBertForSequenceClassification", transformers.ModernBertConfig, MODERN),
    "modernbert_mean": (
        "ModernBertForSequenceClassification",
        transformers.ModernBertConfig,
        {**MODERN, "classifier_pooling": "mean", "classifier_bias": True, "norm_bias": True},
    ),
    "modernbert_tokens": (
        "ModernBertForTokenClassification",
        transformers.ModernBertConfig,
        {**MODERN, "global_attn_every_n_layers": 2},
    ),
    "modernbert_backbone": ("ModernBertModel", transformers.ModernBertConfig, MODERN),
    "vit": ("ViTForImageClassification", transformers.ViTConfig, VIT),
    "vit_square": ("ViTForImageClassification", transformers.ViTConfig, GOOGLE_VIT),
    "vit_backbone": ("ViTModel", transformers.ViTConfig, VIT),
    "deit": ("DeiTForImageClassification", transformers.DeiTConfig, VIT),
    "deit_teacher": ("DeiTForImageClassificationWithTeacher", transformers.DeiTConfig, VIT),
    "dinov2": ("Dinov2ForImageClassification", transformers.Dinov2Config, DINO),
    "dinov2_backbone": ("Dinov2Model", transformers.Dinov2Config, DINO),
    "speech_to_text": (
        "Speech2TextForConditionalGeneration",
        transformers.Speech2TextConfig,
        SPEECH_TO_TEXT,
    ),
    "speech_to_text_gelu": (
        "Speech2TextModel",
        transformers.Speech2TextConfig,
        {
            **SPEECH_TO_TEXT,
            "activation_function": "gelu",
            "conv_kernel_sizes": (3, 5, 7),
            "num_conv_layers": 3,
            "pad_token_id": 4,
            "scale_embedding": False,
        },
    ),
    "wav2vec2": ("Wav2Vec2ForCTC", transformers.Wav2Vec2Config, WAV2VEC2),
    "wav2vec2_stable": ("Wav2Vec2ForCTC", transformers.Wav2Vec2Config, WAV2VEC2_STABLE),
    "wav2vec2_backbone": ("Wav2Vec2Model", transformers.Wav2Vec2Config, WAV2VEC2),
    "wav2vec2_stable_backbone": ("Wav2Vec2Model", transformers.Wav2Vec2Config, WAV2VEC2_STABLE),
    "wav2vec2_classes": (
        "Wav2Vec2ForSequenceClassification",
        transformers.Wav2Vec2Config,
        WAV2VEC2,
    ),
    "whisper": ("WhisperForConditionalGeneration", transformers.WhisperConfig, WHISPER),
    "whisper_model": ("WhisperModel", transformers.WhisperConfig, WHISPER),
    "whisper_classes": ("WhisperForAudioClassification", transformers.WhisperConfig, WHISPER),
}


def perturbed(model):
    """Adds noise to every tensor: of zero biases and even attention nothing could be told."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def text_inputs(config, with_segments):
    generator = np.random.default_rng(0)
    ids = generator.integers(5, VOCABULARY, (len(LENGTHS), max(LENGTHS)))
    mask = np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, None]
    ids[~mask] = config.pad_token_id or 0
    inputs = {"input_ids": ids, "attention_mask": mask.astype("int64")}
    if with_segments and getattr(config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = (np.arange(max(LENGTHS)) >= 3) & mask
        inputs["token_type_ids"] = inputs["token_type_ids"].astype("int64")
    return inputs


def speech_inputs(config):
    """Frames of zeros where there are none, as the extractor of features pads.

    Whisper has no masks: its recordings are all of one length.
    """
    if config.model_type == "wav2vec2":
        mask = np.arange(max(SAMPLES)) < np.array(SAMPLES)[:, None]
        waveform = 0.1 + 0.2 * np.random.default_rng(0).normal(size=mask.shape).astype("float32")
        return {"waveform": waveform * mask, "attention_mask": mask.astype("int64")}
    if hasattr(config, "num_mel_bins"):
        shape = (3, 2 * config.max_source_positions, config.num_mel_bins)
        features = np.random.default_rng(0).normal(size=shape).astype("float32")
        return {"features": features, "attention_mask": np.ones(shape[:2], "int64")}
    mask = np.arange(max(FRAMES)) < np.array(FRAMES)[:, None]
    shape = (*mask.shape, config.input_feat_per_channel)
    features = np.random.default_rng(0).normal(size=shape).astype("float32")
    return {"features": features * mask[:, :, None], "attention_mask": mask.astype("int64")}


def one_by_one(model, inputs):
    """What it answers to each recording by itself, in one padded array."""
    name = "features" if "features" in inputs else "waveform"
    outputs = np.zeros_like(first(answers(model, inputs)))
    for row, (steps, mask) in enumerate(zip(inputs[name], inputs["attention_mask"], strict=True)):
        answer = first(answers(model, {name: steps[None, : mask.sum()]}))
        outputs[row, : answer.shape[1]] = answer[0]
    return outputs


def extractor(config):
    """Scales recordings to mean 0 and deviation 1, as checkpoints of both kinds do."""
    return transformers.Wav2Vec2FeatureExtractor(
        sampling_rate=RATE, return_attention_mask=config.feat_extract_norm == "layer"
    )


def write_processor(folder, config):
    """The files of sound and symbols."""
    extractor(config).save_pretrained(folder)
    symbols = [*SYMBOLS[: config.pad_token_id], "<pad>", *SYMBOLS[config.pad_token_id :]]
    path = folder / "vocab.json"
    path.write_text(json.dumps({symbol: index for index, symbol in enumerate(symbols)}))
    transformers.Wav2Vec2CTCTokenizer(str(path)).save_pretrained(folder)


def texts_of(folder, logits, lengths):
    """What the tokenizer of a folder reads from the best symbols."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = zip(logits.argmax(-1), lengths, strict=True)
    return np.array([tokenizer.decode(row[: (n - 400) // 320 + 1]) for row, n in rows])


def first(outputs):
    return next(iter(outputs.values()))


def answers(model, inputs):
    if "features" in inputs:
        inputs = dict(inputs)
        inputs["input_features"] = inputs.pop("features")
        if model.config.model_type == "whisper":
            inputs["input_features"] = inputs["input_features"].swapaxes(1, 2)
        if not model.config.architectures[0].endswith("Encoder"):
            model = getattr(model, "model", model).encoder
    elif "waveform" in inputs:
        masks = {name: inputs[name] for name in ("attention_mask",) if name in inputs}
        lengths = masks["attention_mask"].sum(axis=1) if masks else [None]
        values = extractor(model.config)(
            [row[:length] for row, length in zip(inputs["waveform"], lengths, strict=True)],
            sampling_rate=RATE,
            padding=True,
            return_attention_mask=True,  # Without it padding counts in the mean, too.
        )
        inputs = {"input_values": np.array(values["input_values"]), **masks}
        if model.config.architectures[0].endswith("SequenceClassification"):
            model = model.wav2vec2
    if "images" in inputs:  # Scaled as attnzoo's default is.
        images = torch.tensor(inputs["images"]).permute(0, 3, 1, 2).float() / 255
        inputs = {"pixel_values": (images - 0.5) / 0.5}
    else:
        inputs = {name: torch.tensor(value) for name, value in inputs.items()}
    with torch.no_grad():
        outputs = model(**inputs)
    named = ("logits", "last_hidden_state", "pooler_output")
    found = {name: getattr(outputs, name, None) for name in named}
    return {name: value.numpy() for name, value in found.items() if value is not None}


def wordpiece():
    tokenizer = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.add_special_tokens(list(WORDS[:5]))
    return tokenizer


def write(folder):
    for name, (class_name, kind, sizes) in CASES.items():
        config = kind(**sizes)
        if "Classification" in class_name:
            config.id2label, config.label2id = LABELS, {v: k for k, v in LABELS.items()}
        torch.manual_seed(0)
        model = perturbed(getattr(transformers, class_name)(config))
        model.save_pretrained(folder / name)
        if name == "bert":
            model.save_pretrained(folder / "bert_sharded", max_shard_size="20KB")
            wordpiece().save(str(folder / "bert_sharded" / "tokenizer.json"))
        if config.model_type == "wav2vec2":
            write_processor(folder / name, config)
        else:
            wordpiece().save(str(folder / name / "tokenizer.json"))
        if config.model_type in ("speech_to_text", "wav2vec2", "whisper"):
            inputs = speech_inputs(config)
        elif hasattr(config, "image_size"):
            shape = (3, *config.image_size, config.num_channels)
            inputs = {"images": np.random.default_rng(0).integers(0, 256, shape, "uint8")}
        else:
            inputs = text_inputs(config, with_segments="Sequence" in class_name)
        outputs = answers(model, inputs)
        if not {"features", "waveform"}.isdisjoint(inputs):
            outputs["one_by_one"] = one_by_one(model, inputs)
        if class_name.endswith("CTC"):
            outputs["texts"] = texts_of(folder / name, outputs["one_by_one"], SAMPLES)
        np.savez(
            folder / f"{name}.npz",
            **{f"input.{key}": value for key, value in inputs.items()},
            **{f"output.{key}": value for key, value in outputs.items()},
        )


def read(*folders):
    for folder in folders:
        read_one(folder)


def class_of(config):
    name = config.architectures[0]
    if hasattr(transformers, name):
        return getattr(transformers, name)
    module = f"transformers.models.{config.model_type}.modeling_{config.model_type}"
    return getattr(importlib.import_module(module), name)


def read_one(folder):
    config = transformers.AutoConfig.from_pretrained(folder)
    model = class_of(config)
    model, loading = model.from_pretrained(folder, output_loading_info=True)
    unaccounted = [key for key in ("missing_keys", "unexpected_keys") if loading[key]]
    missing = {key: sorted(loading[key]) for key in unaccounted}
    with np.load(f"{folder}.inputs.npz") as inputs:
        found = answers(model.eval(), dict(inputs))
    np.savez(f"{folder}.outputs.npz", report=str(missing), **found)
    if any((folder / file).is_file() for file in ("tokenizer.json", "vocab.json")):
        transformers.AutoTokenizer.from_pretrained(folder)
    if hasattr(config, "conv_stride"):
        there = transformers.AutoFeatureExtractor.from_pretrained(folder)
        assert there.to_dict() == extractor(config).to_dict()


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](*map(Path, sys.argv[2:]))
