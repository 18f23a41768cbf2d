"""ttsdoc inside other people's trainers: one `Doctor`, and a thin adapter to it for each framework.

`loop.py` is for a training loop of one's own; `huggingface.py`, `lightning.py`, `keras.py`, `coqui.py` and
`accelerate.py` feed the same object from their framework's hooks, and import that framework.
"""
