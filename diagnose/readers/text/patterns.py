"""What a number looks like where a regular expression must find it."""

# `1,234.5` has thousands; `0,53`, `12,5` and `5,0613` have decimal commas.
NUMBER = (
    r"[-+]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,})(?![.,]?\d)|\d+(?:,\d{3}(?!\d))*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
    r"|[-+]?(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?|INF)"
)
