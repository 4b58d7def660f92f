--- demo-echo: a small service of the demonstration. Gives back what it gets.
-- A program that serves a name stays until it is ended.

assert(os.bind(0, "demo.echo", function(...)
    return ...
end))
