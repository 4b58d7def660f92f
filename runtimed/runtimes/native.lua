--- The runtime "native": the API as it is.

return {
    setup = function(env)
        return env
    end,
}
