//! A plugin of a few lines whose attachments are files: deterministic for the kill harness, and it
//! keeps what it was called with.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

/// Its attachments: files called `<network>:<container>:<interface>`.
pub(crate) const DIR: &str = "/run/marker";
const BIN: &str = "/run/marker-bin";

/// `$type.fails` makes it fail, and a second name for it is a second plugin.
const PLUGIN: &str = r#"#!/bin/bash
conf=$(cat)
type=${0##*/}
mkdir -p /run/marker /run/marker-calls
name=$(jq -r .name <<<"$conf")
mark=$name:$CNI_CONTAINERID:$CNI_IFNAME
echo "$type $CNI_COMMAND $CNI_IFNAME" >> /run/marker-calls/log
printf '%s' "$conf" > "/run/marker-calls/$type.$CNI_COMMAND.$CNI_IFNAME"
exec 9> "/run/marker-calls/busy:$CNI_CONTAINERID"
if ! flock -n 9; then
    echo '{"code": 124, "msg": "another plugin of this container runs"}'
    exit 1
fi
sleep "$(jq -r '.sleep // 0' <<<"$conf")"
if [ -e "/run/marker-bin/$type.fails.$CNI_COMMAND" ]; then
    echo '{"code": 123, "msg": "'"$type"' was told to fail", "details": "by a file"}'
    exit 1
fi
case $CNI_COMMAND in
ADD) : > "/run/marker/$mark"
     jq -c --arg n "$CNI_IFNAME" --arg s "$CNI_NETNS" '(.prevResult // {}) as $p | $p + {
         cniVersion: .cniVersion, interfaces: (($p.interfaces // []) + [{name: $n, sandbox: $s}])}' <<<"$conf" ;;
DEL) rm -f "/run/marker/$mark" ;;
CHECK) [ -e "/run/marker/$mark" ] || { echo '{"code": 100, "msg": "no mark of '"$mark"'"}'; exit 1; } ;;
GC) for file in /run/marker/"$name":*; do
        [ -e "$file" ] || continue
        id=${file#*"$name":}
        jq -e --arg id "$id" '[.["cni.dev/valid-attachments"][] | .containerID + ":" + .ifname] | index($id)' \
            <<<"$conf" >/dev/null || rm -f "$file"
    done ;;
esac
"#;

/// Installs the plugin under these names; for `CNI_PATH`.
pub(crate) fn install(names: &[&str]) -> &'static str {
    fs::create_dir_all(BIN).unwrap();
    for name in names {
        let file = format!("{BIN}/{name}");
        if fs::exists(&file).unwrap() {
            continue;
        }
        // Renamed into place: a fork of another thread must not find it open for writing.
        let new = format!("{file}.new");
        fs::write(&new, PLUGIN).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, file).unwrap();
    }
    BIN
}

/// Makes a verb of the plugin fail until the value is dropped.
pub(crate) struct Failing(String);

pub(crate) fn failing(name: &str, verb: &str) -> Failing {
    let file = format!("{BIN}/{name}.fails.{verb}");
    fs::write(&file, "").unwrap();
    Failing(file)
}

impl Drop for Failing {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

/// The calls since the last time this was asked, as `TYPE VERB IFNAME`.
pub(crate) fn calls() -> Vec<String> {
    let log = "/run/marker-calls/log";
    let text = fs::read_to_string(log).unwrap_or_default();
    drop(fs::remove_file(log));
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// What the last such call read on stdin.
pub(crate) fn stdin(name: &str, verb: &str, ifname: &str) -> Value {
    let text = fs::read(format!("/run/marker-calls/{name}.{verb}.{ifname}")).unwrap();
    serde_json::from_slice(&text).unwrap()
}
