"""`python -m tests.corpus router ARCH [RELEASE]`: build an image, print its path."""

import sys

from tests.corpus import CorpusError, router, wheels


def main(words: list[str]) -> int:
    """Build what is asked for; the last line on standard output is its path."""
    try:
        if words[:1] == ["router"] and len(words) in (2, 3):
            print(router(*words[1:]).image)
            return 0
        if words == ["wheels"]:
            print(wheels()[0].parent)
            return 0
    except CorpusError as error:
        print(f"corpus: {error}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
