"""Reads CSV tables with pandas as anybody would: paths in, per table the number of
rows, the kind of each column (f number, O text) and its number of values out, as
JSON."""
import json
import sys

import pandas

out = {}
for path in sys.argv[1:]:
    t = pandas.read_csv(path)
    out[path] = {
        "rows": len(t),
        "columns": [[c, "f" if t[c].dtype.kind in "if" else "O", int(t[c].count())] for c in t.columns],
    }
print(json.dumps(out))
