"""PyTorch as a peer: `python bench/peers/pytorch.py cpu|cuda`. Standard modules as one writes them, eager."""

import json
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

device = torch.device("cuda" if sys.argv[1:] == ["cuda"] else "cpu")


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Attention(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.proj(y.transpose(1, 2).reshape(batch, tokens, width))


class EncoderLayer(nn.Module):
    def __init__(self, width, heads, hidden, causal=False):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads, causal)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width, hidden)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, width, depth, heads, hidden, patch, size, channels=1, out=10, **_):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(width))
        self.position = nn.Parameter(torch.zeros((size // patch) ** 2 + 1, width))
        self.patch_embed = nn.Conv2d(channels, width, patch, patch)
        self.layers = nn.ModuleList(EncoderLayer(width, heads, hidden) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, out)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], 1, -1), x], 1) + self.position
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 0])


class TextTower(nn.Module):
    def __init__(self, width, depth, heads, hidden, length, vocabulary, out):
        super().__init__()
        self.words, self.position = nn.Embedding(vocabulary, width), nn.Parameter(torch.zeros(length, width))
        self.layers = nn.ModuleList(EncoderLayer(width, heads, hidden, causal=True) for _ in range(depth))
        self.norm, self.proj = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, out, bias=False)

    def forward(self, ids):
        x = self.words(ids) + self.position
        for layer in self.layers:
            x = layer(x)
        return self.proj(self.norm(x)[:, -1])


class Towers(nn.Module):
    def __init__(self, visual, textual, embed, size, **_):
        super().__init__()
        self.visual = ViT(**visual, size=size, channels=3, out=embed)
        self.textual = TextTower(**textual, out=embed)
        self.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, image, text):
        u, v = F.normalize(self.visual(image), dim=1), F.normalize(self.textual(text), dim=1)
        return self.log_scale.exp() * u @ v.t()


class MixerLayer(nn.Module):
    def __init__(self, tokens, tokens_hidden, width, hidden):
        super().__init__()
        self.norm1, self.mlp_tokens = nn.LayerNorm(width, eps=1e-6), Mlp(tokens, tokens_hidden)
        self.norm2, self.mlp_channels = nn.LayerNorm(width, eps=1e-6), Mlp(width, hidden)

    def forward(self, x):
        x = x + self.mlp_tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.mlp_channels(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, width, depth, tokensHidden, hidden, patch, size, **_):
        super().__init__()
        tokens = (size // patch) ** 2
        self.stem = nn.Conv2d(1, width, patch, patch)
        self.layers = nn.ModuleList(MixerLayer(tokens, tokensHidden, width, hidden) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 10)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x).mean(1))


class Bottleneck(nn.Module):
    def __init__(self, channels, planes, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, 4 * planes, 1, bias=False), nn.BatchNorm2d(4 * planes)
        self.downsample = None
        if stride > 1 or channels != 4 * planes:
            self.downsample = nn.ModuleDict({"conv": nn.Conv2d(channels, 4 * planes, 1, stride, bias=False), "bn": nn.BatchNorm2d(4 * planes)})

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        skip = x if self.downsample is None else self.downsample["bn"](self.downsample["conv"](x))
        return F.relu(y + skip)


class ResNet(nn.Module):
    def __init__(self, depths, size, **_):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        channels, stages = 64, []
        for stage, depth in enumerate(depths):
            planes, blocks = 64 * 2**stage, []
            for block in range(depth):
                blocks.append(Bottleneck(channels, planes, 2 if stage > 0 and block == 0 else 1))
                channels = 4 * planes
            stages.append(nn.ModuleDict({"blocks": nn.ModuleList(blocks)}))
        self.trunk = nn.ModuleDict({"layers": nn.ModuleList(stages)})
        self.fc = nn.Linear(channels, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in self.trunk["layers"]:
            for block in stage["blocks"]:
                x = block(x)
        return self.fc(x.mean((2, 3)))


families = {"vit": ViT, "mixer": Mixer, "resnet": ResNet, "towers": Towers}
torch_names = {"scale": "weight"}


def ours(model, weights):
    """Weights under Vitrail's names and layouts -> the module's own."""
    own = dict(model.named_parameters()) | dict(model.named_buffers())
    left = {name for name in own if not name.endswith("num_batches_tracked")}
    for name, value in weights.items():
        head, leaf = name.rpartition(".")[::2]
        target = f"{head}.{torch_names.get(leaf, leaf)}" if head else leaf
        if leaf == "weight" and value.dim() == 2 and not head.endswith("words"):
            value = value.t()
        if leaf == "weight" and value.dim() == 4:
            value = value.permute(3, 2, 0, 1)
        own[target].data.copy_(value)
        left.discard(target)
    if left:
        raise ValueError(f"no weights for {sorted(left)[:4]}")


def prepare(request):
    work = request["workload"]
    torch.set_num_threads(request["threads"])
    model = families[work["network"]["family"]](**work["network"])
    ours(model, load_file(request["weights"]))
    data = load_file(request["batch"])
    image = data["image"].permute(0, 3, 1, 2).contiguous().to(device)
    known = {name: data[name].long().to(device) for name in ("label", "text") if name in data}
    model = model.to(device)
    if work["kind"] == "forward":
        model.eval()

        def run():
            with torch.inference_mode():
                return model(image).square().sum().item()

        return run
    adam = torch.optim.Adam(model.parameters(), lr=work["rate"], betas=(0.9, 0.999), eps=1e-8, foreach=True)

    def loss_now():
        if "label" in known:
            return F.cross_entropy(model(image), known["label"])
        logits = model(image, known["text"])
        own = torch.arange(len(logits), device=device)
        return (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own)) / 2

    def step():
        loss = loss_now()
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss.item()

    return step


def main():
    run = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["ask"] == "prepare" and device.type == "cuda" and not torch.cuda.is_available():
            answer = {"answer": "cannot", "why": f"PyTorch {torch.__version__} sees no CUDA GPU"}
        elif request["ask"] == "prepare":
            run = prepare(request)
            answer = {"answer": "ready", "version": f"PyTorch {torch.__version__}, {device}, eager"}
        else:
            start = time.perf_counter()
            loss = run()
            answer = {"answer": "ran", "ms": (time.perf_counter() - start) * 1000, "loss": loss}
        print(json.dumps(answer, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
