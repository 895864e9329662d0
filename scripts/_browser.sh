# A browser for the tests that look at pages: Playwright in .venv, and a Chromium at .tools/chromium. Sourced, never run.

BROWSER="$TOOLS/chromium"

browser_works() { [ -x "$BROWSER" ] && "$BROWSER" --version >/dev/null 2>&1; }

browser_is_current() {
    local wanted
    wanted="$(sed -n 's/^playwright==//p' "$ROOT/requirements_browser.txt")"
    compgen -G "$ROOT/.venv/lib/python3*/site-packages/playwright-$wanted.dist-info" >/dev/null && browser_works
}

make_browser() {
    browser_is_current && return 0
    say "Getting a browser …"
    [ -x "$ROOT/.venv/bin/python" ] || die "the browser needs .venv; run scripts/setup without --only, or with --only venv."
    [ -n "${UV:-}" ] || find_uv
    install "$ROOT/.venv" -r "$ROOT/requirements_browser.txt" || die "Playwright could not be installed: $(reason)."
    browser_works || present_browser || private_browser ||
        die "no Chromium or Chrome is here and none could be got; install one with the system's package manager and run this again."
    say "  the browser is ready: $("$BROWSER" --version 2>/dev/null)"
}

# Points .tools/chromium at a browser that is on the path.
present_browser() {
    local name path
    for name in chromium chromium-browser google-chrome-stable google-chrome; do
        path="$(command -v "$name" || true)"
        # A file of its own, not a link: start scripts look for their files beside the name they were called by.
        [ -n "$path" ] && browser_script "exec \"$path\" \"\$@\"" && browser_works && return 0
    done
    return 1
}

# Debian's Chromium of the machine's own release, with the libraries that are missing here, in a private folder.
private_browser() {
    local work="$TOOLS/chromium-files" codename libraries
    have_apt || return 1
    codename="$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")"
    [ -n "$codename" ] || return 1
    rm -rf "$work" "$work.apt"
    private_debs "$work.apt" "$codename" /var/lib/dpkg/status chromium fontconfig-config fonts-dejavu-core || return 1
    unpack_debs "$work.apt" "$work" || return 1
    rm -rf "$work.apt"
    libraries="$(find "$work/usr/lib" "$work/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd :)"
    browser_script "export LD_LIBRARY_PATH=\"$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}\"
if [ ! -e /etc/fonts/fonts.conf ]; then
    export FONTCONFIG_PATH=\"$work/etc/fonts\"
fi
export XDG_DATA_DIRS=\"$work/usr/share:\${XDG_DATA_DIRS:-/usr/local/share:/usr/share}\"
exec \"$work/usr/lib/chromium/chromium\" \"\$@\""
    browser_works
}

browser_script() {
    printf '#!/bin/sh\n%s\n' "$1" >"$BROWSER"
    chmod +x "$BROWSER"
}
