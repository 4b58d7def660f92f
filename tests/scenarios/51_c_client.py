#!/usr/bin/env python3
"""C programs on a tree: examples/c, made with nothing but what is installed. They serve Lua programs,
call them, are refused, wait in vain, and outlive their tree."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import harness
from harness import BUILD, Running, Tap, Tree, thoxctl

t = Tap()
scratch = pathlib.Path(tempfile.mkdtemp(prefix="thox-c."))
options = {o["name"]: o["value"] for o in json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())}
prefix = scratch / "root" / options["prefix"].lstrip("/")
libdir = prefix / options["libdir"]

# What a library with sanitizers needs of the program that loads it.
sanitize = [] if options["b_sanitize"] == "none" else [f"-fsanitize={options['b_sanitize']}"]
env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(scratch / "root"), PKG_CONFIG_PATH=str(libdir / "pkgconfig"),
           LD_LIBRARY_PATH=str(libdir))


def run(*command, **more):
    command = list(map(str, command))
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=env,
                          timeout=60 * harness.SLOWNESS, preexec_fn=harness.die_with_parent, **more)


def compile_with(*words):
    return run("cc", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *sanitize, *words)


def check_installation():
    result = run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", scratch / "root")
    t.equal(result.returncode, 0, "it is installed")
    t.equal(run("pkg-config", "--modversion", "thox").stdout.strip(), options_version(), "pkg-config has its version")
    t.ok((libdir / "libthox.so.0").exists(), "the library has a version of its own")
    exported = run("nm", "-D", "--defined-only", libdir / "libthox.so").stdout.split("\n")
    strange = [line for line in exported if line and not re.search(r" [A-Z] (thox_\w+)$", line)]
    t.equal(strange, [], "and exports nothing but thox_*")
    header = (prefix / "include/thox.h").read_text()
    declared = set(re.findall(r"\b(thox_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.S)))
    t.equal({line.split()[-1] for line in exported if line}, declared, "which are those of thox.h")
    manual = (pathlib.Path(__file__).parents[2] / "docs/man/thox-client.3").read_text()
    described = set(re.findall(r"^\.Fn (thox_\w+)", manual, re.M))
    t.equal(declared - described, set(), "thox-client(3) describes each of them")


def options_version():
    return json.loads((BUILD / "meson-info/intro-projectinfo.json").read_text())["version"]


def check_header():
    flags = run("pkg-config", "--cflags", "--libs", "thox").stdout.split()
    unit = scratch / "unit.c"
    unit.write_text('#include <thox.h>\nint main(void) { return thox_version()[0] == 0; }\n')
    for standard in ("c11", "c2x"):
        result = compile_with(f"-std={standard}", unit, "-o", scratch / "unit", *flags)
        t.equal(result.stderr, "", f"thox.h alone is {standard}")
    t.equal(run(scratch / "unit").returncode, 0, "and a program runs")
    if shutil.which("c++"):
        result = compile_with("-x", "c++", "-std=c++11", unit, "-o", scratch / "unit", *flags)
        t.equal(result.stderr, "", "thox.h is C++ as well")


def build_examples():
    shutil.copytree(prefix / "share/thox/examples/c", scratch / "c")
    result = run("make", "-C", scratch / "c",
                 "CFLAGS=" + " ".join(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *sanitize]))
    t.equal(result.stderr, "", "the installed examples are built with make and pkg-config")


def ask(*words):
    return run(scratch / "c/ask", *words)


class Machine(Running):
    """examples/c/machine, beside the scenario."""

    def __init__(self, directory):
        self.rest = b""
        self.process = subprocess.Popen(
            [scratch / "c/machine"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(env, THOX_DIR=str(directory)), preexec_fn=harness.die_with_parent)


def check_calling():
    result = ask("example.echo", "hello")
    t.equal((result.returncode, result.stderr),
            (1, "ask: example.echo refuses: NOTBOUND: 'example.echo' is not bound: nobody serves it\n"),
            "a name that nobody serves is a refusal with its reason")
    service = Running("run", scratch / "server.lua")
    service.line()
    result = ask("c.echo", "hello", "42", "0.5", "")
    t.equal(result.stdout, "hello\n42\n0.5\n\n", "a C program calls a Lua one")
    result = ask("c.table")
    t.ok("[list] = {1, {}, true}" in result.stdout and "[bytes] = a\0b" in result.stdout,
         "and reads tables in tables", result.stdout)
    result = ask("c.fail")
    t.ok(result.returncode == 1 and "server.lua:4: on purpose" in result.stderr, "an error arrives with its place",
         result.stderr)
    before = time.monotonic()
    result = ask("c.never")
    t.ok(result.returncode == 2 and "the call was withdrawn" in result.stderr and time.monotonic() - before >= 2,
         "a call that nobody answers ends at its deadline", result.stderr)
    t.equal((service.line(), service.line()), ("call c.never", "cancel "), "and its server hears of it")
    service.process.send_signal(signal.SIGINT)
    service.end()


def check_serving(directory):
    machine = Machine(directory)
    t.contains(machine.line(), "serving machine.load, machine.memory, machine.quiet as process",
               "a C program serves names")
    result = thoxctl("run", scratch / "caller.lua", timeout=30)
    t.equal(result.code, 0, "a Lua program calls them")
    for words in ("load float float float", "memory true", "quiet float", "BADARGS", "cancelled CANCELLED"):
        t.contains(result.out, words, f"and is told: {words}")
    lines = [machine.line() for _ in range(7)]
    t.ok(lines[0].startswith("machine.load, for process ") and lines[6] == "a call was withdrawn",
         "which the C program knows as what they are", str(lines))
    t.contains(thoxctl("services").out, "machine.quiet", "thoxctl lists them")
    machine.process.kill()
    machine.end()
    t.equal(thoxctl("call", "machine.load").error_code(), "notbound", "what it served is gone with it")


def check_long_messages():
    program = scratch / "long.c"
    program.write_text(LONG)
    flags = run("pkg-config", "--cflags", "--libs", "thox").stdout.split()
    t.equal(compile_with(program, "-o", scratch / "long", *flags).stderr, "", "a program of long messages is built")
    service = Running("run", scratch / "server.lua")
    service.line()
    result = run(scratch / "long")
    t.equal((result.returncode, result.stdout), (0, "ok\n"), "1 MiB goes each way, called and served")
    service.process.send_signal(signal.SIGINT)
    service.end()


def check_end_of_tree():
    with Tree() as tree:
        machine = Machine(tree.directory)
        machine.line()
        tree.initd.kill()
        t.equal(machine.end(), 1, "a program whose tree is killed ends")
        t.contains(machine.err.decode(), "the tree closed the connection: it ended", "and knows why")
    result = ask("x")
    t.equal(result.returncode, 1, "its own tree is still there")
    env["THOX_DIR"] = str(scratch)
    result = ask("x")
    t.equal((result.returncode, result.stderr), (3, "ask: cannot reach the tree: no tree is running there\n"),
            "no tree is an error of its own")
    env["THOX_DIR"] = os.environ["THOX_DIR"]


SERVER = """
os.bind("c.echo", function(...) return ... end)
os.bind("c.table", function() return { list = { 1, {}, true }, bytes = "a\\0b" } end)
os.bind("c.fail", function() error("on purpose") end)
os.bind("c.never")
os.bind("c.back", function(n) return #os.rpc.c.long(("x"):rep(n)) end)
print("ready")
while true do
    local event = os.pull()
    if event.type == "terminate" then os.exit() end
    print(event.type .. " " .. (event.name or ""))
end
"""

CALLER = """
local function types(...)
    local names = {}
    for i = 1, select("#", ...) do names[i] = math.type((select(i, ...))) end
    return table.concat(names, " ")
end
print("load " .. types(os.rpc.machine.load()))
local memory = os.rpc.machine.memory()
print("memory " .. tostring(memory.total >= memory.available and memory.available > 0))
print("quiet " .. types(os.rpc.machine.quiet(1e9)))
print(select(2, pcall(os.rpc.machine.quiet, "soon")))
local cid = os.call(0, "machine.quiet", 0)
os.rpc.machine.load()
os.cancel(cid)
print("cancelled " .. (os.pull(cid).status_code == os.status.CANCELLED and "CANCELLED" or "not"))
"""

LONG = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thox.h>
#define MIB (1 << 20)
static int fail(const char *what) { printf("%s\n", what); return 1; }
int main(void) {
        struct thox_client *c;
        struct thox_event *e;
        struct thox_value v;
        uint64_t cid;
        char *bytes = malloc(MIB);
        for (int i = 0; i < MIB; i++)
                bytes[i] = (char)i;
        if (thox_connect(&c, NULL, "long", 5 * THOX_SECOND) != 0 || thox_bind(c, THOX_DEFAULT, "c.long") != 0)
                return fail("connect");
        struct thox_writer *w = thox_writer_new();
        thox_write_bytes(w, bytes, MIB);
        if (thox_call(c, THOX_DEFAULT, "c.echo", w, 20 * THOX_SECOND, &e) != 0)
                return fail("call");
        if (!thox_read(&e->values, THOX_STRING, &v) || v.len != MIB || memcmp(v.string, bytes, MIB) != 0)
                return fail("echo");
        w = thox_writer_new();
        thox_write_integer(w, MIB);
        if (thox_start(c, THOX_DEFAULT, "c.back", w, 20 * THOX_SECOND, &cid) != 0)
                return fail("start");
        if (thox_next(c, 20 * THOX_SECOND, &e) != 0 || e->type != THOX_EVENT_CALL)
                return fail("no call");
        if (!thox_read(&e->values, THOX_STRING, &v) || v.len != MIB)
                return fail("short");
        w = thox_writer_new();
        thox_write_bytes(w, v.string, v.len);
        if (thox_answer(c, e->cid, THOX_OK, w) != 0)
                return fail("answer");
        if (thox_next(c, 20 * THOX_SECOND, &e) != 0 || e->type != THOX_EVENT_ANSWER || e->cid != cid)
                return fail("no answer");
        if (!thox_read(&e->values, THOX_INTEGER, &v) || v.integer != MIB)
                return fail("length");
        thox_disconnect(c);
        free(bytes);
        printf("ok\n");
        return 0;
}
"""

try:
    (scratch / "server.lua").write_text(SERVER)
    (scratch / "caller.lua").write_text(CALLER)
    check_installation()
    check_header()
    build_examples()
    check_calling()
    check_serving(os.environ["THOX_DIR"])
    check_long_messages()
    check_end_of_tree()
finally:
    shutil.rmtree(scratch, ignore_errors=True)
t.done()
