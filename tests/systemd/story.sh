#!/usr/bin/env bash
# story.sh - what happens to the unit, seen from inside the container. Writes TAP to /out/tap.
set -u
exec >/out/tap 2>/out/err
n=0

check() { # NAME COMMAND...
    local name=$1 result
    shift
    n=$((n + 1))
    if result=$("$@" 2>&1); then
        echo "ok $n - $name"
    else
        printf 'not ok %s - %s\n' "$n" "$name"
        printf '%s\n' "$result" "$(journalctl -u thox --no-pager -n 20)" | sed 's/^/# /'
    fi
}

within_10_s() { # COMMAND...: tries until it succeeds
    local deadline=$((SECONDS + 10))
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
    true
}

main_pid() {
    systemctl show -P MainPID thox
}

is_up() { # OTHER THAN THIS PID
    [[ $(systemctl is-active thox) == active && $(main_pid) != "$1" ]] && thoxctl call keeper.get >/dev/null
}

every_layer_is_on() {
    thoxctl status
    ! thoxctl status --json | grep -q '"state": "off"'
}

has_stayed() {
    [[ $(thoxctl call keeper.get) == "'kept'" ]]
}

nothing_is_left() {
    [[ -z $(find /proc -maxdepth 1 -user thox) && ! -e /run/thox/control ]]
}

check "the unit starts, and is ready when its tree is (row 11)" within_10_s systemctl -q is-active thox
check "its workers have every layer of confinement" every_layer_is_on
check "systemd finds little exposed" systemd-analyze security --no-pager --threshold=15 thox.service
check "it runs as a user of its own" test "$(stat -c %U "/proc/$(main_pid)")" = thox

# Its worker cannot be traced, and still is looked at.
is_busy() {
    thoxctl ps --json | grep -A12 '"name": "busy"' | tr -d ' \n' |
        grep -qE '"state":"running".*"cpu":[0-9]*\.?[0-9]*[1-9].*"memory":[1-9]'
}

journal_has() { # TEXT FIELD...
    journalctl --no-pager -o cat "${@:2}" | grep -qF "$1"
}

cat >/tmp/keeper.lua <<'EOF'
os.bind("keeper.set", function(value) return os.data():set("key", value) end)
os.bind("keeper.get", function() return (os.data():get("key")) end)
os.rpc.log("warning", "here I am")
EOF
thoxctl --quiet set program keeper /tmp/keeper.lua
check "a service is enabled" thoxctl enable keeper
check "and started" thoxctl start keeper
check "and keeps something" thoxctl call keeper.set '"kept"'

check "its log lines are in the journal, by its name" within_10_s journal_has "here I am" THOX_NAME=keeper PRIORITY=4
echo 'while true do end' >/tmp/busy.lua
thoxctl --quiet set program busy /tmp/busy.lua
thoxctl start busy
check "what its programs use is seen (row 5)" within_10_s is_busy
thoxctl stop busy
fallen=$(main_pid)
kill -KILL "$fallen"
check "initd is killed, and started again with its service (row 9)" within_10_s is_up "$fallen"
check "which has what it kept" has_stayed

fallen=$(main_pid)
kill -STOP "$fallen"
check "initd hangs, and the watchdog has it started again (row 11)" within_10_s is_up "$fallen"
check "nothing is lost by that either" has_stayed

check "the unit is stopped" systemctl stop thox
check "by initd's own end" test "$(systemctl show -P Result thox)" = success
check "and nothing is left of it (row 10)" nothing_is_left
echo "1..$n"
