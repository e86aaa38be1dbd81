"""The encoder of Speech2Text (Wang et al., 2020), and what it shares with that of Whisper."""

from .family import Family, Key
from .table import block, convolution_1d, no_head, norm, of_encoder

# Frames are normalised by what makes them; none are hidden in training unless it is asked for.
ENCODER = {
    "feature_normalization": None,
    "frequency_masks": 0,
    "head": "ctc",
    "input": "features",
    "layer_norm_epsilon": 1e-5,
    "normalize_first": True,
    "stem": "centered",
    "time_masks": 0,
}
KEYS = (
    Key("d_model", "hidden_dim", 256),
    Key("encoder_layers", "num_layers", 12),
    Key("encoder_attention_heads", "num_heads", 4),
    Key("encoder_ffn_dim", "intermediate_dim", 2048),
    Key("dropout", ("dropout", "embedding_dropout"), 0.1),
    Key("attention_dropout", "attention_dropout", 0.0),
    Key("activation_function", "feed_forward", "relu"),
)
ACTIVATIONS = ("relu", "gelu")
# Of the decoder, or of training alone.
WITHOUT_EFFECT = (
    *("activation_dropout", "classifier_dropout", "decoder_attention_heads"),
    *("decoder_ffn_dim", "decoder_layerdrop"),
    *("decoder_layers", "decoder_start_token_id", "encoder_layerdrop", "forced_bos_token_id"),
    *("forced_decoder_ids", "forced_eos_token_id", "init_std", "max_target_positions"),
    *("num_hidden_layers", "vocab_size"),
)
UNUSED = {"decoder.*": "the decoder", "proj_out.*": "the decoder"}


def blocks(config):
    """Returns the entries of the encoder blocks, with the last normalisation."""
    entries = norm("final_norm", "layer_norm")
    for index in range(config.num_layers):
        entries += block(
            index,
            f"layers.{index}",
            attention=[f"self_attn.{part}_proj" for part in ("q", "k", "v", "out")],
            attention_norm="self_attn_layer_norm",
            feed_forward=("fc1", "fc2"),
            feed_forward_norm="final_layer_norm",
        )
    return entries


def _table(config, settings):
    entries = blocks(config)
    for stage in range(len(config.stem_kernels)):
        entries += convolution_1d(f"subsampling/convolution_{stage}", f"conv.conv_layers.{stage}")
    return of_encoder(entries)


def _more_fields(settings):
    kernels = tuple(settings.get("conv_kernel_sizes", (5, 5)))
    count = settings.get("num_conv_layers", len(kernels))
    if count != len(kernels):
        raise ValueError(
            "Expected `num_conv_layers` of config.json to be the number of `conv_kernel_sizes`. "
            f"Received: num_conv_layers={count}, conv_kernel_sizes={kernels}"
        )
    between = settings.get("conv_channels", 1024) // 2  # GLU halves them.
    padding = settings.get("pad_token_id")
    return {
        "stem_kernels": kernels,
        "stem_strides": (2,) * count,
        "stem_channels": (between,) * (count - 1) + (settings.get("d_model", 256),),
        "first_position": (1 if padding is None else padding) + 1,
    }


def _more_settings(config):
    kernels, channels = config.stem_kernels or (), config.stem_channels or (0,)
    return {
        "is_encoder_decoder": True,
        "num_conv_layers": len(kernels),
        "conv_kernel_sizes": list(kernels),
        "conv_channels": 2 * channels[0],
        "pad_token_id": config.first_position - 1,
    }


def _extractor(config):
    return {
        "feature_extractor_type": "Speech2TextFeatureExtractor",
        "feature_size": config.num_mels,
        "num_mel_bins": config.num_mels,
    }


FAMILY = Family(
    model_type="speech_to_text",
    prefix="model",
    classes={},
    backbone_class="Speech2TextEncoder",
    keys=(
        *KEYS,
        Key("input_feat_per_channel", "num_mels", 80),
        Key("scale_embedding", "scale_embedding", True),
    ),
    fields={
        "speech_encoder": {
            **ENCODER,
            "position": "sinusoidal",
            "position_layout": "halves",
            "stem_activation": "glu",
        }
    },
    table=_table,
    heads={"speech_encoder": no_head},
    activation_key="activation_function",
    only={
        "activation_function": ACTIVATIONS,
        "input_channels": (1,),
        "is_encoder_decoder": (True, False),
    },
    without_effect=(*WITHOUT_EFFECT, "max_source_positions"),
    unused={**UNUSED, "*embed_positions.weights": "sines and cosines, which are computed"},
    more_keys=("conv_channels", "conv_kernel_sizes", "num_conv_layers"),
    more_fields=_more_fields,
    more_settings=_more_settings,
    extractor=_extractor,
)
