"""Renders Markdown with GitHub's own parser (cmark-gfm) and prints, as JSON, what became of it; with --html, of HTML as it is.

Its tag filter stays off: HTML that got through must be seen.
"""

import html.parser
import json
import pathlib
import sys

import cmarkgfm
from cmarkgfm.cmark import Options

VOID = {"br", "hr", "img", "input"}


class Tree(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.within: list[str] = []
        self.found = {"tags": [], "comments": [], "texts": [], "rows": []}

    def handle_starttag(self, tag, attributes):
        self.found["tags"].append({"tag": tag, "attributes": dict(attributes), "within": list(self.within)})
        if tag == "tr":
            self.found["rows"].append({"cells": [], "folded": "details" in self.within})
        if tag in ("td", "th"):
            self.found["rows"][-1]["cells"].append("")
        if tag not in VOID:
            self.within.append(tag)

    def handle_endtag(self, tag):
        if tag in self.within:
            del self.within[len(self.within) - 1 - self.within[::-1].index(tag) :]

    def handle_comment(self, data):
        self.found["comments"].append(data)

    def handle_data(self, data):
        if data.strip("\n"):
            self.found["texts"].append({"text": data, "within": list(self.within)})
        if "td" in self.within or "th" in self.within:
            self.found["rows"][-1]["cells"][-1] += data


def parsed(page: str) -> dict:
    tree = Tree()
    tree.feed(page)
    tree.close()
    return tree.found


def rendered(markdown: str) -> dict:
    return parsed(
        cmarkgfm.markdown_to_html_with_extensions(
            markdown, options=Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_GITHUB_PRE_LANG, extensions=["table", "autolink", "strikethrough", "tasklist"]
        )
    )


read = parsed if "--html" in sys.argv else rendered
print(json.dumps([read(one) for one in json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))]))
