"""Attention weights as one HTML page: point at a token to see what it attends to."""

import html
import json

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 60em; color: #222; }}
.tokens {{ line-height: 2.4; }}
.tokens span {{ padding: .2em .3em; border-radius: .2em; cursor: pointer; white-space: pre; }}
.tokens span.from {{ outline: 2px solid #222; }}
.key {{ color: #666; font-size: .9em; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>
<label>Layer <select id="layer"></select></label>
<label>Head <select id="head"></select></label>
</p>
<p class="tokens" id="tokens"></p>
<p class="key">Point at a token: the darker another one, the more it is attended to.</p>
<script id="data" type="application/json">{data}</script>
<script>
const data = JSON.parse(document.getElementById("data").textContent);
const layer = document.getElementById("layer"), head = document.getElementById("head");
const tokens = document.getElementById("tokens");
let from = 0;
const spans = data.ticks.map((tick, index) => {{
  const span = document.createElement("span");
  span.textContent = tick;
  span.onmouseenter = () => {{ from = index; show(); }};
  tokens.append(span, " ");
  return span;
}});
function fill(select, names) {{
  const chosen = Math.max(0, Math.min(select.selectedIndex, names.length - 1));
  select.replaceChildren(...names.map(name => new Option(name)));
  select.selectedIndex = chosen;
}}
function show() {{
  const heads = data.scores[layer.selectedIndex];
  fill(head, ["mean of all", ...heads.map((_, index) => String(index))]);
  const chosen = head.selectedIndex === 0 ? heads : [heads[head.selectedIndex - 1]];
  const weights = spans.map((_, key) =>
    chosen.reduce((sum, maps) => sum + maps[from][key], 0) / chosen.length);
  const most = Math.max(...weights) || 1;
  spans.forEach((span, key) => {{
    span.style.background = `rgba(40, 110, 200, ${{weights[key] / most * 0.8}})`;
    span.title = weights[key].toFixed(3);
    span.className = key === from ? "from" : "";
  }});
}}
fill(layer, data.layers);
layer.onchange = head.onchange = show;
show();
</script>
</body>
</html>
"""


def attention_page(scores, ticks, title):
    """Returns a page that needs nothing from elsewhere.

    Args:
        scores: Dict from layer name to an array `(heads, query, key)`.
        ticks: What the positions are called, such as tokens.
        title: Title of the page.
    """
    data = {
        "layers": list(scores),
        "ticks": ticks,
        "scores": [weights.round(4).tolist() for weights in scores.values()],
    }
    # Inside a script only `<` could end it.
    return _PAGE.format(title=html.escape(title), data=json.dumps(data).replace("<", "\\u003c"))
