"""``python -m diagnose`` is ``ttsdoc``."""

from diagnose.cli import main

raise SystemExit(main())
