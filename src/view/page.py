"""Puts page.css and page.js into page.html and writes it as C: the bytes before the data, and those
after it. The page's security policy names the style and the script by their hashes, so that nothing
else in the page can ever run."""

import base64
import hashlib
import sys


def source_of(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def c_array(name, text):
    data = text.encode()
    rows = (", ".join(map(str, data[i : i + 24])) for i in range(0, len(data), 24))
    return "static const unsigned char %s[] = {\n    %s};\n" % (name, ",\n    ".join(rows))


html, css, js = (open(path, encoding="utf-8").read() for path in sys.argv[1:4])
for mark, text in (
    ("{{style-source}}", source_of(css)),
    ("{{script-source}}", source_of(js)),
    ("{{style}}", css),
    ("{{script}}", js),
):
    if html.count(mark) != 1:
        sys.exit("%s: %s must stand there once" % (sys.argv[1], mark))
    html = html.replace(mark, text)
head, tail = html.split("{{data}}")
with open(sys.argv[4], "w", encoding="utf-8") as out:
    out.write(c_array("page_head", head) + c_array("page_tail", tail))
