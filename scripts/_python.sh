# Finds or gets uv and the Pythons that the environments need. Sourced, never run.

# Sets UV to a working uv: the one on the path, or PyPI's in a private folder.
find_uv() {
    local python
    UV="$(command -v uv || true)"
    new_enough_uv && return 0
    UV="$TOOLS/uv/bin/uv"
    new_enough_uv && return 0
    say "Getting uv …"
    rm -rf "$TOOLS/uv"
    for python in python3 /usr/bin/python3 python3.14 python3.13; do
        command -v "$python" >/dev/null || continue
        if logged "$python" -m venv "$TOOLS/uv" && logged "$TOOLS/uv/bin/python" -m pip install -q --retries 1 uv; then
            return 0
        fi
        unreachable && break
        # A Python without the venv module may have pip all the same.
        rm -rf "$TOOLS/uv"
        if logged "$python" -m pip install -q --retries 1 --target "$TOOLS/uv" uv && new_enough_uv; then
            return 0
        fi
    done
    die "uv is not here and could not be installed from PyPI: $(reason)."
}

# Does UV work, and does it know the options used here (2025 and later)?
new_enough_uv() { [ -x "$UV" ] && "$UV" python install --help 2>/dev/null | grep -q -e --no-bin; }

# Is this a complete Python between two versions? usable_python PROGRAM LOWEST BELOW
usable_python() {
    "$1" - "$2" "$3" >/dev/null 2>&1 <<'PY'
import ctypes, lzma, sqlite3, ssl, sys
lowest, below = (tuple(map(int, text.split("."))) for text in sys.argv[1:3])
raise SystemExit(not lowest <= sys.version_info[:3] < below)
PY
}

# Prints the path of a Python that is here already: present_python SERIES LOWEST BELOW
present_python() {
    local series="$1" candidate
    for candidate in \
        "$TOOLS/python$series/usr/bin/python$series" \
        "$TOOLS"/pythons/cpython-"$series"*/bin/python"$series" \
        "$("$UV" python find --no-python-downloads --no-project --system ">=$2,<$3" 2>>"$LOG" || true)" \
        "$(command -v "python$series" || true)" \
        "${PYENV_ROOT:-$HOME/.pyenv}/versions/$series".*/bin/python"$series" \
        "$HOME"/.local/share/uv/python/cpython-"$series"*/bin/python"$series"; do
        if [ -x "$candidate" ] && usable_python "$candidate" "$2" "$3"; then
            printf '%s' "$candidate"
            return 0
        fi
    done
    return 1
}

# Prints the path of a Python, getting one if need be: find_python SERIES LOWEST BELOW
find_python() {
    local series="$1"
    present_python "$@" && return 0
    say "Getting Python $series …" >&2
    if UV_HTTP_RETRIES=1 logged "$UV" python install --no-bin --install-dir "$TOOLS/pythons" "$series" && present_python "$@"; then
        return 0
    fi
    if debian_python "$series" "$TOOLS/python$series" && present_python "$@"; then
        return 0
    fi
    return 1
}
