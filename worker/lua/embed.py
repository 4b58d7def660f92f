"""Writes Lua files as the C table that worker/prelude.h declares: embed.py OUTPUT FILE..."""
import pathlib
import sys

output, *paths = map(pathlib.Path, sys.argv[1:])
lines = ['#include "worker/prelude.h"', ""]
for path in paths:
    data = path.read_bytes()
    lines.append(f"static const char {path.stem}_source[] = {{")
    for start in range(0, len(data), 16):
        row = (b if b < 128 else b - 256 for b in data[start:start + 16])
        lines.append("        " + ", ".join(map(str, row)) + ",")
    lines.append("};")
lines.append("const struct prelude_part prelude_parts[] = {")
for path in paths:
    lines.append(f'        {{ "{path.stem}", {path.stem}_source, sizeof({path.stem}_source) }},')
lines.append("};")
lines.append("const size_t n_prelude_parts = sizeof(prelude_parts) / sizeof(*prelude_parts);")
output.write_text("\n".join(lines) + "\n", encoding="ascii")
