-- What a program of thox finds beyond Lua 5.4.

stds.thox = {
    read_globals = {
        os = {
            fields = {
                -- calls
                "call", "send", "answer", "cancel", "caller", "rpc", "pull", "status",
                -- names and contexts
                "bind", "unbind", "context", "handle", "share", "close", "contexts",
                -- processes and tasks
                "run", "run_program", "run_code", "run_file", "kill", "exit", "ready", "args",
                "spawn", "join", "pid", "ppid", "tid", "uid", "name", "program", "monotonic",
                -- stores
                "get_program", "get_library", "get_runtime",
                "set_program", "set_library", "set_runtime",
                "list_programs", "list_libraries", "list_runtimes",
            },
        },
    },
}

std = "lua54+thox"
max_line_length = 110

-- Run by the stock interpreter, with functions of its own.
files["tests/unit/runtimed/test_extended.lua"] = { std = "lua54" }
