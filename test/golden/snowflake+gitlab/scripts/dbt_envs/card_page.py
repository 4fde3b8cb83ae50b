"""Makes a page of the review card: GitLab shows a page among a job's artifacts, and Markdown as a download alone.

    python scripts/dbt_envs/card_page.py card.md card.html

It knows the Markdown that review_card.py writes, and no other. Names on a card are anybody's: each letter is shown as it is,
nothing of it is HTML, and the page loads nothing and runs nothing.
"""

import argparse
import html
import itertools
import pathlib
import re
import sys

STYLE = """
:root { color-scheme: light dark; background: Canvas; color: CanvasText }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2em auto; padding: 0 1em; overflow-wrap: anywhere }
h1 { font-size: 1.4em }
code, pre { font: 13px/1.5 ui-monospace, monospace; background: color-mix(in srgb, currentColor 9%, transparent); border-radius: 4px }
code { padding: 1px 4px }
pre { padding: 1em; white-space: pre-wrap }
table { border-collapse: collapse; width: 100%; margin: 1em 0 }
th, td { text-align: left; vertical-align: top; padding: 4px 10px; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent) }
.number { text-align: right; min-width: 5em; font-variant-numeric: tabular-nums }
details { margin: 1em 0 }
@media (max-width: 50rem) {
  table, tbody, tr, td { display: block }
  thead { display: none }
  tr { border-bottom: 1px solid; padding: 6px 0 }
  td { border: 0; padding: 1px 0; text-align: left }
  td::before { content: attr(data-column) ": " }
}
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
BLOCK = re.compile(
    r"""
    ^<!--.*-->$ |                               # by it other hosts find a card again
    ^```sql\n (?P<query> (?:.*\n)*? ) ```$ |
    (?P<table> (?:^\|.*\n?)+ ) |
    (?P<list> (?:^-\ .*\n?)+ ) |
    ^\#\#\#\ (?P<heading> .* )$ |
    ^<details><summary> (?P<fold> .* ) </summary>$ |
    ^(?P<end> </details> )$ |
    ^(?P<text> .+ )$
    """,
    re.MULTILINE | re.VERBOSE,
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("card", type=pathlib.Path, help="the card, in Markdown")
    parser.add_argument("page", type=pathlib.Path, help="the page to write")
    options = parser.parse_args(arguments)
    try:
        options.page.write_text(page(options.card.read_text(encoding="utf-8")), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"card_page: {options.card} cannot be made a page: {type(error).__name__}.", file=sys.stderr)
        return 1
    return 0


def page(card: str) -> str:
    blocks = [(block.lastgroup, block[block.lastgroup]) for block in BLOCK.finditer(card) if block.lastgroup]
    title = next((text for kind, text in blocks if kind == "heading"), "dbt review card")
    return PAGE.format(title=html.escape(title.replace("`", "")), style=STYLE, body="\n".join(shown(kind, text) for kind, text in blocks))


def shown(kind: str, text: str) -> str:
    lines = text.strip("\n").split("\n")
    if kind == "query":
        return f"<pre>{html.escape(text)}</pre>"
    if kind == "table":
        return table([[cell.strip() for cell in line.strip("|").split("|")] for line in lines])
    if kind == "list":
        items = [f"<li>{inline(line[2:])}</li>" for line in lines]
        return f"<ul>{''.join(items)}</ul>"
    if kind == "fold":
        return f"<details><summary>{inline(text)}</summary>"
    if kind == "end":
        return "</details>"
    return f"<h1>{inline(text)}</h1>" if kind == "heading" else f"<p>{inline(text)}</p>"


def table(rows: list[list[str]]) -> str:
    """The second row of Markdown says which columns are numbers."""
    head, rules, *others = [*rows, []]
    body = [row("td", cells, head, rules) for cells in others[: len(rows) - 2]]
    return f"<table><thead>{row('th', head, head, rules)}</thead><tbody>{''.join(body)}</tbody></table>"


def row(tag: str, cells: list[str], head: list[str], rules: list[str]) -> str:
    made = []
    for cell, column, rule in itertools.zip_longest(cells, head[: len(cells)], rules[: len(cells)], fillvalue=""):
        kind = "number" if rule.endswith(":") else "text"
        made.append(f'<{tag} class="{kind}" data-column="{html.escape(column)}">{inline(cell) or "–"}</{tag}>')
    return f"<tr>{''.join(made)}</tr>"


def inline(text: str) -> str:
    """Code spans, in which there is no backtick, and what is bold."""
    parts = re.split("(`[^`]*`)", text)
    return "".join(f"<code>{html.escape(part[1:-1])}</code>" if at % 2 else bold(part) for at, part in enumerate(parts))


def bold(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
