#!/usr/bin/env python3
"""What is being routed, seen from outside: services, describe, handles, calls. Rows 106, 147."""

import json

from harness import Tap, Tree, wait_until

# Answers one name, keeps the calls to another until told to let go, and owns a context.
SHOP = b"""
local held = {}
os.bind("shop.buy", function() return "sold" end)
os.bind("shop.wait")
os.bind("shop.release", function()
    for _, cid in ipairs(held) do os.answer(cid, true, "at last") end
end)
os.bind("shop.counter", function() return (os.context()) end)
print("up")
while true do
    local event = os.pull("call")
    held[#held + 1] = event.cid
end
"""
CUSTOMER = b"""
local counter = os.rpc.shop.counter()
local line = os.connect("shop.buy")
os.call{name = "shop.wait", timeout = 30}
os.call(counter, "order")
os.call(0, "alarm", 20)
print("up")
print(select(2, pcall(os.rpc.handle.list, 4)))
local asked = {}
for _, call in ipairs(os.rpc.call.list()) do
    if call.caller == os.pid() and call.name ~= "write" then asked[#asked + 1] = call.name end
end
table.sort(asked)
print(table.concat(asked, " "))
print(os.rpc.handle.list(os.pid())[1].kind)
os.pull("terminate")
"""

t = Tap()


def start(tree, name, source):
    running = tree.run_beside("--name", name, source=source)
    assert running.line() == "up", running.line()
    return running


with Tree() as tree:
    def listed(verb, *args):
        result = tree.ctl(verb, *args, "--json").json()
        t.equal(result["schema"], f"thox.{verb}/1", f"{verb} --json names its schema (row 147)")
        return result[verb]

    shop, customer = start(tree, "shop", SHOP), start(tree, "customer", CUSTOMER)
    pids = {p["name"]: pid for pid, p in tree.processes().items()}

    # An ordinary program sees what is its own.
    t.contains(customer.line(), "only uid 0 may look at process 4", "a program cannot look at others (row 106)")
    t.equal(customer.line(), "alarm call.list order shop.wait", "but at its own calls (row 106)")
    t.equal(customer.line(), "table", "and handles")

    # services, describe
    services = {s["name"]: s for s in listed("services")}
    t.equal((services["shop.buy"]["pid"], services["shop.buy"]["program"]), (pids["shop"], "shop"),
            "a bound name is listed with its server (row 106)")
    t.equal(services["alarm"]["usage"], "alarm(seconds)", "an endpoint of the tree with its usage")
    tree.ctl("call", "shop.buy")
    tree.ctl("call", "shop.buy")
    service = tree.ctl("describe", "shop.buy", "--json").json()["service"]
    t.equal((service["name"], service["pid"], service["calls"]), ("shop.buy", pids["shop"], 2),
            "describe counts the calls of a service (row 106)")
    t.contains(tree.ctl("describe", "process.run").out, "usage      process.run{", "and shows how it is called")
    t.equal(tree.ctl("call", "--oneway", "shop.buy").out, "", "a call that wants no answer gets none (row 46)")
    service = tree.ctl("describe", "shop.buy", "--json").json()["service"]
    t.equal((service["calls"], service["unanswered"]), (3, 0), "but is made")
    t.equal(tree.ctl("call", "shop.buy", "{1,").code, 2, "what begins like a table must be one (row 147)")
    service = tree.ctl("describe", "shop.wait", "--json").json()["service"]
    t.equal((service["unanswered"], service["limit"]), (1, 256), "and those it has not answered, with their limit")
    missing = tree.ctl("describe", "shop.sell")
    t.equal((missing.code, missing.error_code()), (5, "notbound"), "what nobody serves is not found (row 147)")

    twins = [start(tree, name, b"os.bind('twin', function() end, {on_conflict = 'balance', usage = 'twin() -> nothing'})"
                               b" print('up')") for name in ("castor", "pollux")]
    tree.ctl("call", "twin")
    tree.ctl("call", "twin")
    twin = tree.ctl("describe", "twin", "--json").json()["service"]
    t.equal((twin["conflict"], twin["usage"]), ("balance", "twin() -> nothing"), "how a name is shared and called is shown")
    t.equal(sorted((s["program"], s["calls"]) for s in twin["servers"]), [("castor", 1), ("pollux", 1)],
            "with all who serve it (row 106)")
    t.equal(len([s for s in listed("services") if s["name"] == "twin"]), 2, "in the list each has a row")
    for running, name in zip(twins, ("castor", "pollux")):
        tree.ctl("kill", name)
        running.end()

    # handles
    handles = listed("handles", "customer")
    t.equal([(h["handle"], h["kind"], h["owner_name"]) for h in handles][0], (0, "table", "thoxctl"),
            "context 0 of a program is what thoxctl run made for it (row 106)")
    counter = next(h for h in handles if h["kind"] == "manual" and h["owner"] == pids["shop"])
    t.equal((counter["kind"], counter["rights"], counter["holders"]), ("manual", "call bind push listen share signal", 2),
            "a context that it was given has its owner, rights and holders (row 106)")
    line = next(h for h in handles if h["kind"] == "connection")
    t.equal((line["owner_name"], line["holders"]), ("shop", 1), "a connection has who serves it (row 106)")
    everybody = listed("handles")
    t.equal({h["kind"] for h in everybody if h["pid"] == pids["init"] and h["handle"] == 0}, {"native"},
            "init's context 0 is the native one")
    t.ok(all(h in everybody for h in handles), "those of one process are among those of all")

    # calls
    calls = {c["name"]: c for c in listed("calls", "customer")}
    t.equal(sorted(calls), ["alarm", "order", "shop.wait"], "what a process asks is listed (row 106)")
    wait = calls["shop.wait"]
    t.equal((wait["caller"], wait["server"], wait["state"]), (pids["customer"], pids["shop"], "waiting"),
            "with who asks whom (row 106)")
    t.equal((wait["priority"], wait["hops"]), (4, 0), "its priority and who has passed it on")
    t.ok(20 < wait["deadline"] <= 30, "its deadline", str(wait))
    t.ok(0 < wait["age"] < 20, "and its age", str(wait))
    t.ok(10 < calls["alarm"]["deadline"] <= 20 and calls["alarm"]["server"] == 1, "an alarm is a call to initd")
    t.ok("deadline" not in calls["order"], "a call without a deadline has none")
    t.equal(sorted(c["name"] for c in listed("calls", "shop")), ["order", "shop.wait"],
            "what a process is asked is listed too (row 106)")
    tree.ctl("call", "shop.release")
    left = wait_until(lambda: [c for c in listed("calls", "customer") if c["name"] == "alarm"
                               and len(listed("calls", "customer")) == 1], 5, "answers")
    t.ok(left, "answered calls are gone (row 106)")
    t.contains([c["name"] for c in listed("calls", "1")], "call.list", "what initd itself serves is listed as well")

    # Tables for people, words for mistakes.
    t.contains(tree.ctl("calls").out, "DUE-IN", "tables have headings (row 147)")
    t.equal(len(tree.ctl("--no-legend", "handles", "customer").out.splitlines()), len(handles), "unless unwanted")
    for verb in "handles", "calls":
        for wanted, code, name in ("nobody", 5, "noproc"), ("77777", 5, "noproc"):
            result = tree.ctl("--json", verb, wanted)
            error = json.loads(result.err)["error"]
            t.equal((result.code, error["code"]), (code, name), f"{verb} {wanted} is an error (row 147)")

    status = tree.ctl("status").out.splitlines()
    storaged = next(line for line in status if " storaged " in line)
    t.contains(status, f"linux-pid  {tree.initd.pid}", "status tells the tree's process (row 106)")
    t.equal(storaged.split()[:3], [str(tree.daemons()["storaged"]["pid"]), "storaged", "running"],
            "and those of its daemons")

    # Many rows: complete, and nobody waits for them.
    many = start(tree, "many", b"""
        for i = 1, 200 do os.bind("many." .. i, function() end) end
        local contexts = {}
        for i = 1, 200 do contexts[i] = os.context() end
        for i = 1, 200 do os.call(0, i % 2 == 0 and "shop.wait" or "alarm", 25) end
        print("up")
        os.pull("terminate")""")
    t.equal(len([s for s in listed("services") if s["name"].startswith("many.")]), 200, "200 names are 200 rows")
    t.ok(len(listed("handles", "many")) >= 200, "200 contexts are 200 rows")
    t.ok(len(listed("calls", "many")) >= 100, "and so are calls")
    for running, name in (many, "many"), (customer, "customer"), (shop, "shop"):
        tree.ctl("kill", name)
        running.end()
t.done()
