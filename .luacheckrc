-- What a program of thox finds beyond Lua 5.4.

stds.thox = {
    read_globals = {
        os = {
            fields = {
                -- calls
                "call", "send", "answer", "cancel", "caller", "rpc", "pull", "status",
                "forward", "push", "listen", "unlisten", "capture", "syscall",
                -- names and contexts
                "bind", "unbind", "context", "handle", "share", "close", "contexts",
                "route", "connect",
                -- processes and tasks
                "run", "run_program", "run_code", "run_file", "kill", "exit", "ready", "args",
                "spawn", "join", "pid", "ppid", "tid", "uid", "name", "program", "monotonic",
                "group", "chan", "alt",
                -- stores
                "get_program", "get_library", "get_runtime",
                "set_program", "set_library", "set_runtime",
                "list_programs", "list_libraries", "list_runtimes", "data",
            },
        },
    },
}

std = "lua54+thox"
max_line_length = 110

-- Run by the stock interpreter; os.send is replaced by a fake.
files["tests/unit/runtimed"] = { std = "lua54", ignore = { "142/os", "143/os" } }
