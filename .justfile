# The commands of README.md and .ci/run by short names; `just` needs not be installed to use them.

_list:
    @just --list --unsorted

# All that must hold before a change lands; what CI calls.
check:
    .ci/run

# From a store's webhook to four AWS messages, on this machine alone.
run:
    config/examples/quickstart/run

# Every test; takes what cargo test takes.
test *args:
    tests/run {{ args }}

# Lay the code out. CI calls it with --check.
fmt *args:
    cargo fmt {{ args }}

# Every warning is an error.
clippy:
    cargo clippy --locked --all-targets -- -D warnings

# The documentation, without a warning.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# Measure; a name picks one of benches/.
bench *names:
    cargo bench --locked {{ if names == "" { "--bench '*'" } else { prepend("--bench ", names) } }}

# Fuzz a parser, document_xml or document_json, or the matcher, for so many seconds; needs cargo-fuzz.
fuzz target seconds="600":
    tests/fuzz/run {{ target }} {{ seconds }}

# The Debian package.
package:
    config/package/build

# Spelling.
typos:
    tests/components
    target/components/venv/bin/pip install --quiet typos==1.52.0
    target/components/venv/bin/typos

# Licences, sources, bans and advisories of what is depended on; needs cargo-deny and a network.
deny:
    cargo deny --locked check
