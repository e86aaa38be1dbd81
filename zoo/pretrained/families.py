"""The families of checkpoints that are read and written, by the name that config.json has."""

from . import (
    bert,
    deit,
    dinov2,
    distilbert,
    electra,
    modernbert,
    roberta,
    speech_to_text,
    vit,
    wav2vec2,
    whisper,
)

FAMILIES = {
    family.model_type: family
    for family in (
        bert.FAMILY,
        distilbert.FAMILY,
        electra.FAMILY,
        roberta.ROBERTA,
        roberta.XLM_ROBERTA,
        modernbert.FAMILY,
        vit.FAMILY,
        deit.FAMILY,
        dinov2.FAMILY,
        speech_to_text.FAMILY,
        whisper.FAMILY,
        wav2vec2.FAMILY,
    )
}
