"""Writes a file as the C array that worker/prelude.h declares."""
import sys

with open(sys.argv[1], "rb") as source:
    data = source.read()

lines = []
for start in range(0, len(data), 16):
    lines.append("        " + ", ".join(str(b if b < 128 else b - 256) for b in data[start:start + 16]) + ",")

with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write('#include "worker/prelude.h"\n\n')
    out.write("const char prelude_source[] = {\n" + "\n".join(lines) + "\n        0,\n};\n")
    out.write("const size_t prelude_source_len = sizeof(prelude_source) - 1;\n")
