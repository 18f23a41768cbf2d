"""What other languages call the things that a log tells: the words that trainers print, and their English ones."""

from __future__ import annotations

import re

# English word -> how a tag may say it. Chinese, Japanese and Korean part no words, so all of these are looked for
# inside longer ones; Latin words only at a word's beginning, where no English word goes on with them.
_WORDS = {
    "learning rate": (
        *("学习率", "學習率", "学習率", "학습률", "학습율", "скорость обучения", "темп обучения", "lernrate"),
        *("tasa de aprendizaje", "taxa de aprendizado", "taxa de aprendizagem", "taux d'apprentissage"),
    ),
    "validation": (
        *(
            "验证",
            "驗證",
            "検証",
            "검증",
            "валидац",
            "проверочн",
            "validierung",
            "validierungs",
            "validação",
            "validacao",
        ),
        *("validación", "validacion", "evaluación", "avaliação"),
    ),
    "test": ("测试", "測試", "テスト", "테스트", "тестов", "teste", "prueba"),
    "train": (
        *("训练", "訓練", "学習", "학습", "훈련", "обучени", "обучающ", "тренировочн", "entrenamiento", "treinamento"),
        *("treino", "entraînement", "entrainement", "apprentissage"),
        *("d'entraînement", "d'entrainement", "d'apprentissage"),
    ),
    "loss": (
        *("损失", "損失", "손실", "потер", "лосс", "verlust", "pérdida", "perdida", "perda", "perte"),
        *("функция потерь", "误差", "誤差", "오차"),
    ),
    "average": ("平均", "평균", "средн", "durchschnittlich", "promedio", "média", "moyenne"),
    "total": ("总", "總", "合計", "전체", "общ", "gesamt", "totale"),
    "epoch": ("轮次", "轮", "輪", "エポック", "에포크", "에폭", "эпоха", "epoche", "época", "epoca", "époque", "epoka"),
    "step": ("步数", "步", "ステップ", "스텝", "шаг", "schritt", "passo", "étape"),
    "iteration": ("迭代", "イテレーション", "반복", "итераци", "iteración", "iteração", "itération"),
}
_ENGLISH = {word: english for english, words in _WORDS.items() for word in words}


def _pattern(words: list[str]) -> str:
    """The longest first; a Latin word only where a word begins."""
    ordered = sorted(words, key=len, reverse=True)
    return "|".join((r"(?<![^\W\d_])" if "a" <= word[0] <= "z" else "") + re.escape(word) for word in ordered)


_FOREIGN = re.compile(_pattern(list(_ENGLISH)), re.IGNORECASE)
# German joins its words: the second one begins inside the first.
_JOINED = re.compile(r"(?<=[a-z])(verlust)", re.IGNORECASE)


def foreign(*english: str) -> str:
    """A pattern of all words of other languages that mean one of these."""
    return _pattern([word for word in _ENGLISH if _ENGLISH[word] in english])


def in_english(tag: str) -> str:
    """The tag with the words of other languages put into English: `训练损失` is `train loss`."""
    if _FOREIGN.search(tag) is None and _JOINED.search(tag) is None:
        return tag
    parted = _JOINED.sub(r" \1", tag)
    parted = re.sub(r"(?i)\btrainings?(?= )", "train", parted)
    return " ".join(_FOREIGN.sub(lambda match: f" {_ENGLISH[match[0].casefold()]} ", parted).split())
