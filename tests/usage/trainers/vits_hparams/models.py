class Synthesizer:
    def __init__(self, n_speakers, inter_channels, p_dropout, **kwargs):
        self.weights = [1.0 - p_dropout] * inter_channels
        self.n_speakers = n_speakers
        if self.n_speakers > 1:
            self.weights.append(0.0)
