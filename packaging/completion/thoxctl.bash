# Bash completion of thoxctl(1). Names of programs and processes are asked of the tree that the
# command line itself names.

_thoxctl_ask() {
    local i flags=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --user | --system) flags+=("${COMP_WORDS[i]}") ;;
        --dir | --socket | -S) flags+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}") ;;
        esac
    done
    thoxctl "${flags[@]}" --no-legend --timeout 1s "$@" 2>/dev/null
}

_thoxctl_names() {
    case $1 in
    process) _thoxctl_ask ps | awk '{ print $4 }' ;;
    object) _thoxctl_ask data list | awk '{ sub("^program:", "", $1); print $1 }' ;;
    endpoint) _thoxctl_ask services | awk '{ print $1 }' ;;
    *) _thoxctl_ask get "$1" | awk '{ print $1 }' ;;
    esac
}

_thoxctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local verbs='run repl ps ls list status info top kill start stop restart enable disable logs get set rm versions rollback data locks export import call
        services describe handles calls push listen trace interrupt backup restore compact check stats shutdown version help'
    local common='--help --version --quiet --verbose --json --color --no-legend --timeout --yes
        --socket --dir --user --system'
    local i verb='' words=() own=''

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --dir | --socket | -S | --timeout | --color | --level | --name | --runtime | --memory | --quantum | \
            --priority | --restart | --ttl | --from | --bytes | --keys | --data | --expect | --note | --lines | -n | --key | --match | --count | --delay | -d | --libexec | --store) ((i++)) ;;
        -*) ;;
        *)
            if [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; else words+=("${COMP_WORDS[i]}"); fi
            ;;
        esac
    done

    COMPREPLY=()
    case $prev in
    --color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur") && return ;;
    --level) mapfile -t COMPREPLY < <(compgen -W 'error warning info debug' -- "$cur") && return ;;
    --restart) mapfile -t COMPREPLY < <(compgen -W 'never on-failure always' -- "$cur") && return ;;
    --runtime) mapfile -t COMPREPLY < <(compgen -W "$(_thoxctl_names runtime)" -- "$cur") && return ;;
    --dir) mapfile -t COMPREPLY < <(compgen -d -- "$cur") && return ;;
    --socket | -S) mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return ;;
    esac

    case $verb in
    repl) own='--admin --name --runtime --memory --quantum' ;;
    run) own='--admin --data --name --runtime --memory --quantum --priority --restart --trace --strace' ;;
    kill) own='--now --family' ;;
    shutdown) own='--now' ;;
    get) own='--version' ;;
    set | rm) own='--expect --note' ;;
    logs) own='--lines --follow --level' ;;
    data) own='--expect --ttl --from --count --bytes --keys' ;;
    call) own='--oneway' ;;
    push) own='--key' ;;
    listen) own='--match --count' ;;
    trace) own='--count' ;;
    backup | export) own='--force' ;;
    import) own='--name' ;;
    rollback) own='--with-data' ;;
    restore | check) own='--store --libexec' ;;
    top) own='--delay' ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$own $common" -- "$cur")
        return
    fi

    case $verb in
    '') mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur") ;;
    run) mapfile -t COMPREPLY < <(
        ((${#words[@]} == 0)) && compgen -W "$(_thoxctl_names program)" -- "$cur"
        compgen -f -- "$cur"
    ) ;;
    start | stop | enable | disable) mapfile -t COMPREPLY < <(compgen -W "$(_thoxctl_names props)" -- "$cur") ;;
    kill | restart | status | info | logs | repl | handles | calls | trace)
        mapfile -t COMPREPLY < <(compgen -W "$(_thoxctl_names process)" -- "$cur")
        ;;
    call | describe)
        ((${#words[@]} == 0)) &&
            mapfile -t COMPREPLY < <(compgen -W "$(_thoxctl_names endpoint)" -- "$cur")
        ;;
    help) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur") ;;
    export)
        case ${#words[@]} in
        0) mapfile -t COMPREPLY < <(compgen -W "$(_thoxctl_names program)" -- "$cur") ;;
        *) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        esac
        ;;
    locks) mapfile -t COMPREPLY < <(compgen -W "$(_thoxctl_names object)" -- "$cur") ;;
    data)
        case ${#words[@]} in
        0) mapfile -t COMPREPLY < <(
            compgen -W 'list info get set del keys watch read write limit rm' -- "$cur"
        ) ;;
        1) mapfile -t COMPREPLY < <(compgen -W "$(_thoxctl_names object)" -- "$cur") ;;
        *) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        esac
        ;;
    backup | restore | import) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    get | set | rm | versions | rollback)
        case ${#words[@]} in
        0) mapfile -t COMPREPLY < <(compgen -W 'program library runtime props' -- "$cur") ;;
        1) mapfile -t COMPREPLY < <(compgen -W "$(_thoxctl_names "${words[0]}")" -- "$cur") ;;
        *) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        esac
        ;;
    esac
}

complete -F _thoxctl thoxctl
