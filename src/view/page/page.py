"""Inserts the style and the scripts into page.html and writes it as C arrays: the bytes before the
data, the script, and the bytes after all. The scripts are concatenated in the given order. The
page's security policy allows only this style and script, by their hashes."""

import base64
import hashlib
import re
import sys


def source_of(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def c_array(name, text):
    data = text.encode()
    rows = (", ".join(map(str, data[i : i + 24])) for i in range(0, len(data), 24))
    return "static const unsigned char %s[] = {\n    %s};\n" % (name, ",\n    ".join(rows))


html, css, *scripts = (open(path, encoding="utf-8").read() for path in sys.argv[1:-1])
script = "'use strict';\n\n" + "\n".join(scripts)
for mark, text in (
    ("{{style-source}}", source_of(css)),
    ("{{script-source}}", source_of(script)),
    ("{{style}}", css),
):
    if html.count(mark) != 1:
        sys.exit("%s: %s must occur exactly once" % (sys.argv[1], mark))
    html = html.replace(mark, text)
head, before, after, tail = re.split("{{data}}|{{script}}|{{signals}}", html)
with open(sys.argv[-1], "w", encoding="utf-8") as out:
    out.write(c_array("page_head", head))
    out.write(c_array("page_script", before + script + after))
    out.write(c_array("page_tail", tail))
