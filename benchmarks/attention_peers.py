"""What the benchmark of attention compares, in PyTorch; runs in an interpreter that has it.

Prints the names of those peers that are installed; then makes the call of each line `name TAB
length TAB call`, and answers with the processor seconds that it has taken since its start.

    pip install torch local-attention transformers
"""

import sys
import time

import torch
from memory import peak_bytes

HEADS, HIDDEN, REACH = 4, 128, 32


class SelfAttention(torch.nn.Module):
    """Projections to heads and back around `attend(query, key, value)`."""

    def __init__(self, attend):
        super().__init__()
        self.projections = torch.nn.ModuleList(torch.nn.Linear(HIDDEN, HIDDEN) for _ in range(4))
        self.attend = attend

    def forward(self, inputs):
        """Returns the attended vectors."""
        batch, length, _ = inputs.shape
        *inward, outward = self.projections
        states = [p(inputs).view(batch, length, HEADS, -1).transpose(1, 2) for p in inward]
        heads = self.attend(*states)
        return outward(heads.transpose(1, 2).reshape(batch, length, HIDDEN))


def local_attention(length):
    from local_attention import LocalAttention

    attend = LocalAttention(
        window_size=REACH,
        look_backward=1,
        look_forward=1,
        exact_windowsize=True,  # Else it sees whole blocks, which is another computation.
        use_rotary_pos_emb=False,
        autopad=True,
    )
    return SelfAttention(attend)


def longformer(length):
    from transformers import LongformerConfig
    from transformers.models.longformer.modeling_longformer import LongformerSelfAttention

    config = LongformerConfig(
        hidden_size=HIDDEN,
        num_attention_heads=HEADS,
        attention_window=[2 * REACH],
        attention_probs_dropout_prob=0.0,
    )
    attention = LongformerSelfAttention(config, layer_id=0)
    unused = ("query_global", "key_global", "value_global")
    for name in unused:
        getattr(attention, name).requires_grad_(False)
    outward = torch.nn.Linear(HIDDEN, HIDDEN)
    nowhere = torch.zeros(1, length)

    class Longformer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.outward = attention, outward

        def forward(self, inputs):
            masked = {"is_index_masked": nowhere > 0, "is_index_global_attn": nowhere > 0}
            states = attention(inputs, nowhere, is_global_attn=False, **masked)[0]
            return outward(states)

    return Longformer()


PEERS = {"local-attention (torch)": local_attention, "HF Longformer (torch)": longformer}


def calls(name, length):
    """The two calls of a peer, as in `attention_layers`."""
    model, inputs = PEERS[name](length), torch.randn(1, length, HIDDEN)

    def forward():
        with torch.inference_mode():
            model(inputs)

    def step():
        model.zero_grad()
        (model(inputs) ** 2).mean().backward()

    return {"forward": forward, "training step": step}


def installed():
    """Names of the peers that can be made."""
    names = []
    for name in PEERS:
        try:
            calls(name, 128)["forward"]()
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
        else:
            names.append(name)
    return names


def main():
    """Serves calls, or prints the memory of one as `attention_layers` does."""
    if len(sys.argv) > 1:
        name, length, call = sys.argv[1:]
        calls(name, 128)[call]()
        before = peak_bytes()
        calls(name, int(length))[call]()
        print(peak_bytes() - before)
        return
    made = {}
    print("\t".join(installed()), flush=True)
    for line in sys.stdin:
        name, length, call = line.rstrip("\n").split("\t")
        if (name, length) not in made:
            made[name, length] = calls(name, int(length))
        made[name, length][call]()
        print(time.process_time(), flush=True)


if __name__ == "__main__":
    main()
