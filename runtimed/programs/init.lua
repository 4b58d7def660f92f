--- init: the first program of a tree, pid 4. Programs whose parent has gone become its children.

os.ready()

repeat
    -- An exit event that nobody pulls would stay in the mailbox for ever.
    local event = os.pull()
until event.type == "terminate"
