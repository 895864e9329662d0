# Words that every script here shares: where things are, how to say something, how to fail with one clear sentence.
# Sourced, never run.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
TOOLS="$ROOT/.tools"
LOG="$TOOLS/setup.log"
QUIET="${QUIET:-}"
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV # another environment that happens to be active is none of ours

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

# The likely reason of the last failure, read from the end of the log.
reason() {
    local tail
    tail="$(tail -n 60 "$LOG" 2>/dev/null || true)"
    case "$tail" in
    *"No space left"*) printf 'the disk is full' ;;
    *"dns error"* | *"esolving timed out"* | *"name resolution"* | *"Name or service not known"* | *"Could not resolve"* | *"onnection refused"* | *"Network is unreachable"* | *"error sending request"*)
        printf 'the package index cannot be reached (is there a network?)'
        ;;
    *"Permission denied"*) printf 'a file or folder may not be written' ;;
    *"No solution found"* | *"No matching distribution"*) printf 'no matching version was found' ;;
    *) printf 'see the log' ;;
    esac
}

hash_of() {
    if command -v sha256sum >/dev/null; then
        sha256sum
    else
        shasum -a 256
    fi | cut -c 1-64
}
