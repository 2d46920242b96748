"""Trains one net in PyTorch: python train_runner.py torch|torch.compile NET BATCH THREADS.

Comes in: `measure SECONDS`, a line each, on standard input. Goes out: `ready`, then the median of a step in milliseconds.
"""

import sys

import nets
import torch
from runner import median_ms


def main():
    """Loads the net and answers what is asked."""
    peer, name, batch, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    net = nets.build(name).train()
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-6)
    x, y = torch.randn(int(batch), *nets.shape(name)), torch.zeros(int(batch), dtype=torch.long)
    run = torch.compile(net) if peer == "torch.compile" else net

    def step():
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(run(x), y)
        loss.backward()
        optimiser.step()
        return loss.item()

    step()
    print("ready", flush=True)
    for line in sys.stdin:
        print(median_ms(step, float(line.split()[1])), flush=True)


if __name__ == "__main__":
    main()
