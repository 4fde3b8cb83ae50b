"""Makes a page of the review card: GitLab shows a text or a page among a job's artifacts, and Markdown as a download alone.

    python scripts/dbt_envs/card_page.py card.md card.html

A card is text that a merge request's code has made. It is shown letter by letter, and nothing in it is HTML.
"""

import argparse
import html
import pathlib
import sys

PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>dbt review card</title>
<style>pre {{ font: 14px/1.5 ui-monospace, monospace; white-space: pre-wrap; max-width: 120ch; margin: 2em auto }}</style>
<pre>{card}</pre>
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("card", type=pathlib.Path, help="the card, in Markdown")
    parser.add_argument("page", type=pathlib.Path, help="the page to write")
    options = parser.parse_args(arguments)
    try:
        # Its first line is a comment, by which other hosts find a card again.
        card = options.card.read_text(encoding="utf-8").split("\n", 1)[-1]
        options.page.write_text(PAGE.format(card=html.escape(card)), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"card_page: {options.card} cannot be made a page: {type(error).__name__}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
