"""The families of checkpoints that are read and written, by the name that config.json has."""

from . import bert, distilbert, electra, roberta

FAMILIES = {
    family.model_type: family
    for family in (
        bert.FAMILY,
        distilbert.FAMILY,
        electra.FAMILY,
        roberta.ROBERTA,
        roberta.XLM_ROBERTA,
    )
}
