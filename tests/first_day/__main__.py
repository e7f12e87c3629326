"""One step, in a process of its own."""

import sys

from first_day.steps import main

if __name__ == "__main__":
    main(sys.argv[1:])
