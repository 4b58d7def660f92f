-- Random sends, receives, choices, kills and closings: no message arrives twice or from nowhere,
-- none that its sender was refused, and nobody is left waiting. Row 124.
local tap = require("tap")

local N_TASKS, N_CHANNELS, N_ROUNDS = 30, 4, 5
local seed = tonumber(os.args[1]) or os.time()
math.randomseed(seed)

local channels, outcome, has_arrived, is_over
local faults = {}

local function any()
    return channels[math.random(N_CHANNELS)]
end

local function arrive(message)
    if not outcome[message] then
        faults[#faults + 1] = message .. " was never sent"
    elseif has_arrived[message] then
        faults[#faults + 1] = message .. " arrived twice"
    end
    has_arrived[message] = true
end

local function send(message)
    outcome[message] = "trying"
    outcome[message] = any():send(message) and "sent" or "refused"
end

local function choose(new_message)
    local arms, messages = { timeout = math.random() * 0.002 }, {}
    for i = 1, math.random(4) do
        arms[i] = { any(), "recv" }
        if math.random(2) == 1 then
            messages[i] = new_message()
            outcome[messages[i]] = "trying"
            arms[i] = { any(), "send", messages[i] }
        end
    end
    local arm, value = os.alt(arms)
    for i, message in pairs(messages) do
        outcome[message] = i == arm and value and "sent" or "refused"
    end
    if arm and value and not messages[arm] then
        arrive(value)
    end
end

local function act(name)
    local n = 0
    local function new_message()
        n = n + 1
        return name .. "." .. n
    end
    while not is_over do
        local what = math.random(3)
        if what == 1 then
            send(new_message())
        elseif what == 2 then
            local message = any():recv(math.random() * 0.002)
            if message then
                arrive(message)
            end
        else
            coroutine.wrap(choose)(new_message)
        end
    end
end

for round = 1, N_ROUNDS do
    channels, outcome, has_arrived, is_over = {}, {}, {}, false
    for i = 1, N_CHANNELS do
        channels[i] = os.chan(math.random(0, 3))
    end
    local tasks = os.group()
    local tids = {}
    for i = 1, N_TASKS do
        tids[i] = tasks:spawn(act, round .. "." .. i)
    end
    for _ = 1, 10 do
        os.rpc.alarm(0.002)
        os.kill({ tid = tids[math.random(N_TASKS)] })
        if math.random(5) == 1 then
            local i = math.random(N_CHANNELS)
            channels[i]:close()
            channels[i] = os.chan(math.random(0, 3))
        end
    end
    is_over = true
    for _, channel in ipairs(channels) do
        channel:close()
        for message in channel do
            arrive(message)
        end
    end
    if not tasks:join(10) then
        faults[#faults + 1] = "somebody waits for ever"
    end
    for i = 1, N_TASKS do
        local is_well, message = os.join(tids[i])
        if is_well == false and message ~= "killed" then
            faults[#faults + 1] = tostring(message)
        end
    end
    for message, how in pairs(outcome) do
        if how == "refused" and has_arrived[message] then
            faults[#faults + 1] = message .. " was refused and arrived"
        end
    end
end
tap.same(faults, {}, "messages arrive once or are refused, whoever is killed (seed " .. seed .. ")")
tap.done()
