--- table.sort, so that a comparator may wait and be pre-empted. It compares in the order in which the
-- stock function does, which a program can see.

local native = ...
local error = native.base.error

local INVALID_ORDER = "invalid order function for sorting"

---Between low and high, whose values are in order around `pivot` at high - 1: where pivot ends up.
local function partition(t, low, high, pivot, less, level)
    local i, j = low, high - 1
    while true do
        i = i + 1
        while less(t[i], pivot) do
            if i == high - 1 then
                error(INVALID_ORDER, level)
            end
            i = i + 1
        end
        j = j - 1
        while less(pivot, t[j]) do
            if j < i then
                error(INVALID_ORDER, level)
            end
            j = j - 1
        end
        if j < i then
            t[high - 1], t[i] = t[i], t[high - 1]
            return i
        end
        t[i], t[j] = t[j], t[i]
    end
end

---Where to split an interval that is large enough for a good place to be worth some luck.
local function random_middle(low, high)
    local quarter = (high - low) // 4
    return low + quarter + native.deadline(0) % (2 * quarter)
end

---`level`: how far up the caller of table.sort is; 3 from there.
local function quick_sort(t, low, high, less, level, is_unlucky)
    level = level or 3
    while low < high do
        if less(t[high], t[low]) then
            t[low], t[high] = t[high], t[low]
        end
        if high - low == 1 then
            return
        end
        local middle = (low + high) // 2
        if is_unlucky and high - low >= 100 then
            middle = random_middle(low, high)
        end
        if less(t[middle], t[low]) then
            t[middle], t[low] = t[low], t[middle]
        elseif less(t[high], t[middle]) then
            t[middle], t[high] = t[high], t[middle]
        end
        if high - low == 2 then
            return
        end
        local pivot = t[middle]
        t[middle], t[high - 1] = t[high - 1], pivot
        middle = partition(t, low, high, pivot, less, level + 1)
        local n_smaller
        if middle - low < high - middle then
            quick_sort(t, low, middle - 1, less, level + 1, is_unlucky)
            n_smaller, low = middle - low, middle + 1
        else
            quick_sort(t, middle + 1, high, less, level + 1, is_unlucky)
            n_smaller, high = high - middle, middle - 1
        end
        is_unlucky = is_unlucky or (high - low) // 128 > n_smaller
    end
end

return quick_sort
