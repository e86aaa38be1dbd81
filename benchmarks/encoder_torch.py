"""Serves models of transformers, of the sizes of ours, to the benchmark of encoders.

pip install torch transformers
"""

import os

import encoder_turns
import torch
import transformers


def build(sizes):
    """Returns the ViT or the BERT of these sizes, with scaled dot-product attention of PyTorch."""
    shared = {
        "hidden_size": sizes["hidden_dim"],
        "num_hidden_layers": sizes["num_layers"],
        "num_attention_heads": sizes["num_heads"],
        "intermediate_size": sizes["intermediate_dim"],
        "hidden_dropout_prob": sizes["dropout"],
        "attention_probs_dropout_prob": sizes["attention_dropout"],
        "num_labels": sizes["num_classes"],
        "attn_implementation": "sdpa",
    }
    if "image_shape" in sizes:
        config = transformers.ViTConfig(
            image_size=sizes["image_shape"][0], patch_size=sizes["patch_size"], **shared
        )
        return served(transformers.ViTForImageClassification(config), pixels)
    config = transformers.BertConfig(
        vocab_size=sizes["vocabulary_size"],
        max_position_embeddings=sizes["max_sequence_length"],
        **shared,
    )
    return served(transformers.BertForSequenceClassification(config), tokens)


def pixels(arrays):
    """Inputs of the ViT."""
    values = torch.from_numpy(arrays["images"] / 127.5 - 1).float()
    return {"pixel_values": values.permute(0, 3, 1, 2).contiguous()}


def tokens(arrays):
    """Inputs of the BERT."""
    return {
        "input_ids": torch.from_numpy(arrays["token_ids"]).long(),
        "attention_mask": torch.from_numpy(arrays["padding_mask"]).long(),
    }


def served(model, inputs):
    """Returns the `encoder_turns.Model` of a model and of `f(arrays)`, which makes its inputs."""
    # Fused, which transformers's own training takes too, is the fastest that PyTorch has.
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=0.01, fused=True)

    def prepare(arrays):
        return inputs(arrays), torch.from_numpy(arrays["labels"]).long()

    def inference(batch):
        model.eval()
        with torch.inference_mode():
            model(**batch[0]).logits.numpy()

    def training_step(batch):
        model.train()
        optimizer.zero_grad()
        loss = model(**batch[0], labels=batch[1]).loss
        loss.backward()
        optimizer.step()
        loss.item()

    return encoder_turns.Model(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        prepare=prepare,
        inference=inference,
        training_step=training_step,
    )


if __name__ == "__main__":
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    encoder_turns.serve(build)
