"""What a loss, an epoch and a step are called in other languages."""

from __future__ import annotations

import re
from functools import lru_cache

from diagnose.regex import regex

# The same words in other languages; in those without spaces they are inside others. Longer ones first.
_FOREIGN = {
    "learning rate": "学习率|學習率|学習率|학습률|lernrate|скорость обучения|taux d'apprentissage|tasa de aprendizaje",
    "loss": r"损失|損失|손실|verlust|потер[иья]|втрат[аи]|pertes?\b|p[ée]rdidas?\b|p[èe]rdua\b|perda\b|perdita\b"
    r"|verlies\b|kay[\u0131i]?[bp]\w*|strat[ay]\b|ztr[áa]ta\b|f[öo]rlust",
    "train": r"训练集?|訓練|学習|훈련|학습|trainings|обучени[еяи]|(?:d['\u2019])?entra[iî]nement|entrenamiento|treino|"
    r"treinamento|addestramento|e[ğg]itim|trening\w*|träning\w*",
    "val": "验证集?|驗證|検証|검증|validierungs?|валидаци[ияей]+|validaç[ãa]o|validaci[óo]n|validazione|do[ğg]rulama"
    r"|walidac\w+|validač?n\w+|validerings?",
    "test": "测试集?|測試|テスト|테스트|тест",
    "mean": r"平均|mittlerer?|средн\w+",
    "epoch": r"轮次?|輪|epoche\b|epoka\b|epok\b|epocha\b|[eéÉ]po(?:ca|que)\b|эпоха|епоха|エポック|에포크|에폭",
    "step": r"步数?|ステップ|스텝|schritt\b|шаг|迭代|passo\b",
    "error": r"fehler\b|erreur\b|errore\b|ошибк[аи]|誤差|误差|오차",
    "of": r"\bн\u0430\b|\bde\b|\bdi\b|的",
}
# A word may end at `_`, as in `perdita_val`.
_WORD_END = r"(?![^\\W_])"
_ENDED = regex(r"\\b(?=\||$)")
_TRANSLATED = regex(
    "|".join(f"(?P<w{n}>{_ENDED.sub(_WORD_END, words)})" for n, words in enumerate(_FOREIGN.values())),
    re.IGNORECASE,
)


@lru_cache(maxsize=1 << 14)
def in_english(tag: str) -> str:
    """The tag with the words of other languages translated."""
    if tag.isascii() and not _TRANSLATED.search(tag):
        return tag
    english = tuple(_FOREIGN)
    return " ".join(_TRANSLATED.sub(lambda match: f" {english[int(str(match.lastgroup)[1:])]} ", tag).split())
