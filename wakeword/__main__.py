"""``python -m wakeword`` is the ``wakeword`` command."""

from wakeword.cli import main

main()
