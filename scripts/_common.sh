# Words that every script here shares: where things are, how to say something, how to fail with one clear sentence.
# Sourced, never run.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
TOOLS="$ROOT/.tools"
LOG="$TOOLS/setup.log"
QUIET="${QUIET:-}"
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV # another environment that happens to be active is none of ours
unset PYTHONDONTWRITEBYTECODE           # every process would compile all of Home Assistant again, for ten seconds and more

# One line of progress for the person who waits.
say() {
    if [ -z "$QUIET" ]; then
        printf '%s\n' "$*"
    fi
}

warn() { printf 'Warning: %s\n' "$*" >&2; }

# One sentence, then where to read more (when there is more), then the end.
die() {
    printf 'Error: %s\n' "$*" >&2
    if [ -s "$LOG" ]; then
        printf 'The details are in %s\n' "$LOG" >&2
    fi
    exit 1
}

# Runs a command with all it says going to the log.
logged() {
    printf '\n$ %s\n' "$*" >>"$LOG"
    "$@" >>"$LOG" 2>&1 </dev/null
}

# Does the end of the log say one of these?
log_says() { tail -n 60 "$LOG" 2>/dev/null | grep -qiE "$1"; }

# Did the last failure come from the network?
unreachable() { log_says 'dns error|resolving timed out|name resolution|name or service not known|could not resolve|connection refused|network is unreachable|error sending request'; }

# The likely reason of the last failure, read from the end of the log.
reason() {
    if log_says 'no space left'; then
        printf 'the disk is full'
    elif unreachable; then
        printf 'the package index cannot be reached (is there a network?)'
    elif log_says 'permission denied'; then
        printf 'a file or folder may not be written'
    elif log_says 'no solution found|no matching distribution'; then
        printf 'no matching version was found'
    else
        printf 'see the log'
    fi
}

hash_of() {
    if command -v sha256sum >/dev/null; then
        sha256sum
    else
        shasum -a 256
    fi | cut -c 1-64
}
