"""PyTorch's side of `models/recipes/cifar_resnet18.yaml`: augmentation, one cycle and a running mean of the weights, a line an epoch.

What comes in is the folder of Fashion-MNIST's four gzipped IDX files; what goes out is JSON lines with the keys of cnnc's
`log.jsonl`. Transforms are torchvision's `transforms.v2`, a picture at a time; the network is torchvision's `BasicBlock` in the form for
small pictures, a quarter as wide. Both sides draw first values, order and transforms by themselves: accuracies can be compared, not
losses digit by digit.
    pip install -r bench/requirements.txt
    python bench/augmented.py --data /usr/share/datasets/fashion-mnist --epochs 2
"""

import argparse
import json
import pathlib
import time

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.models.resnet import BasicBlock
from torchvision.transforms import v2

import learn

WIDTH, BATCH, EPOCHS = 16, 128, 16
MEAN, STD = [0.286], [0.353]


def network():
    """`CifarResNet18(width=16)`."""
    stages, before = [], WIDTH
    for stage in range(4):
        channels, stride = WIDTH * 2**stage, 2 if stage else 1
        down = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        first = BasicBlock(before, channels, stride, down if stage else None)
        stages += [first, BasicBlock(channels, channels)]
        before = channels
    stem = [nn.Conv2d(1, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU()]
    net = nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return net


class Pictures(torch.utils.data.Dataset):
    """Pictures `[1, 28, 28]` as the network takes them, and their labels."""

    def __init__(self, folder, split, augmented):
        self.images, self.labels = learn.read_split(folder, split)
        numbers = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
        before = [v2.RandomCrop(28, padding=2), v2.RandomHorizontalFlip()] if augmented else []
        self.transform = v2.Compose(before + numbers + ([v2.RandomErasing(0.25)] if augmented else []))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(self.images[index][None]), self.labels[index]


def validate(net, loader, count):
    """Mean loss and share of right answers."""
    net.eval()
    loss = right = 0
    with torch.no_grad():
        for inputs, labels in loader:
            scores = net(inputs)
            loss += nn.functional.cross_entropy(scores, labels, reduction="sum").item()
            right += (scores.argmax(1) == labels).sum().item()
    net.train()
    return loss / count, right / count


def main():
    """Trains so many epochs of the sixteen that the cycle has."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the gzipped IDX files")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    train, validation = (Pictures(options.data, *split) for split in (("train", True), ("t10k", False)))
    load = torch.utils.data.DataLoader(train, BATCH, shuffle=True, num_workers=0)
    load_validation = torch.utils.data.DataLoader(validation, BATCH)
    net = network()
    decayed = [one for one in net.parameters() if one.dim() > 1]
    others = [one for one in net.parameters() if one.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0}]
    rule = torch.optim.SGD(groups, lr=0.2, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        rule, 0.2, epochs=EPOCHS, steps_per_epoch=len(load), pct_start=0.2, cycle_momentum=False
    )
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.998), use_buffers=True)
    for epoch in range(options.epochs):
        begun, total, right = time.time(), 0, 0
        for inputs, labels in load:
            scores = net(inputs)
            loss = nn.functional.cross_entropy(scores, labels)
            rule.zero_grad()
            loss.backward()
            rule.step()
            schedule.step()
            mean.update_parameters(net)
            total += loss.item() * len(labels)
            right += (scores.argmax(1) == labels).sum().item()
        val_loss, val_accuracy = validate(mean, load_validation, len(validation))
        line = {"epoch": epoch + 1, "train_loss": total / len(train), "train_accuracy": right / len(train)}
        line |= {"val_loss": val_loss, "val_accuracy": val_accuracy, "seconds": time.time() - begun}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
