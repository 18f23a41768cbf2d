class Registry:
    def __init__(self):
        self._items = {}

    def register(self, name):
        def wrap(cls):
            self._items[name] = cls
            return cls

        return wrap

    def build(self, name, *args, **kwargs):
        return self._items[name](*args, **kwargs)


MODELS = Registry()
OPTIMIZERS = {}


def register_optimizer(fn):
    OPTIMIZERS[fn.__name__] = fn
    return fn
