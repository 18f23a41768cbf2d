"""What numbers and headings look like where a regular expression must find them."""

# `1,234.5` has thousands; `0,53`, `12,5` and `5,0613` have decimal commas.
NUMBER = (
    r"[-+]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,})(?![.,]?\d)|\d+(?:,\d{3}(?!\d))*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
    r"|[-+]?(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?|INF)"
)

# `[Validation]`, `Testing in eval mode ...`, `Best iteration is:`: what the numbers on the next lines are.
HEADINGS = (
    r"(?:^|: ?|\] ?|- )\W*(?:(?:start|begin|now|run|do)\w* )?(?:the |on |in )?"
    r"(?:(?P<val>val|valid|validat\w+|eval|evaluat\w+|dev)|(?P<test>test\w*)|(?P<train>train\w*))\b"
)
LONGEST_HEADING = 60
