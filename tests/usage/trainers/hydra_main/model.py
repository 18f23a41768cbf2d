class Net:
    def __init__(self, width, dropout=0.1):
        self.weights = [1.0] * width
