import torch
from torch import nn


class SimpleTTS(nn.Module):
    def __init__(self, config, p_dropout=0.1):
        super().__init__()
        width = config["hidden_channels"]
        self.embed = nn.Embedding(config["n_vocab"], width)
        self.drop = nn.Dropout(p_dropout)
        self.out = nn.Linear(width, 1)

    def forward(self, tokens):
        return self.out(self.drop(self.embed(tokens)))
