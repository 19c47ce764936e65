//! A plugin of a few lines, in bash, whose attachments are files: it keeps what it was called with,
//! answers what its configuration says (`result`), and fails or waits when told to.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use testkit::wait::eventually;

use crate::listing;

/// Its name is its type. In a `result`, "NETNS" and "IFNAME" stand for what it was called with.
const PLUGIN: &str = r#"#!/bin/bash
conf=$(cat)
type=${0##*/}
dir=${0%/bin/*}
name=$(jq -r .name <<<"$conf")
mark=$name:$CNI_CONTAINERID:$CNI_IFNAME
printf '%s' "$conf" > "$dir/calls/$type.$CNI_COMMAND.$CNI_IFNAME"
printf '%s' "$CNI_ARGS" > "$dir/calls/$type.$CNI_COMMAND.$CNI_IFNAME.args"
echo "$type $CNI_COMMAND $CNI_IFNAME" >> "$dir/log"
exec 9> "$dir/busy:$CNI_CONTAINERID"
if ! flock -n 9; then
    echo '{"code": 124, "msg": "another plugin of this container runs"}'
    exit 1
fi
sleep "$(jq -r '.sleep // 0' <<<"$conf")"
while [ -e "$dir/hold/$type.$CNI_COMMAND" ]; do sleep 0.02; done
if [ -e "$dir/fail/$type.$CNI_COMMAND" ]; then
    echo '{"code": 123, "msg": "'"$type"' was told to fail", "details": "by a file"}'
    exit 1
fi
case $CNI_COMMAND in
ADD) jq -r '.deviceID // ""' <<<"$conf" > "$dir/marks/$mark"
     jq -c --arg n "$CNI_IFNAME" --arg s "$CNI_NETNS" '
         (.prevResult // {}) as $p
         | (.result // {interfaces: ($p.interfaces // [{name: "IFNAME", sandbox: "NETNS"}])})
             as $r
         | $p + $r + {cniVersion}
         | walk(if . == "NETNS" then $s elif . == "IFNAME" then $n else . end)' <<<"$conf" ;;
DEL) rm -f "$dir/marks/$mark" ;;
CHECK) [ -e "$dir/marks/$mark" ] || { echo '{"code": 100, "msg": "no mark of '"$mark"'"}'; exit 1; } ;;
GC) for file in "$dir/marks/$name":*; do
        [ -e "$file" ] || continue
        id=${file#*"$name":}
        jq -e --arg id "$id" '[.["cni.dev/valid-attachments"][] | .containerID + ":" + .ifname] | index($id)' \
            <<<"$conf" >/dev/null || rm -f "$file"
    done ;;
esac
"#;

/// The plugin in a directory of its own, for one test.
#[derive(Debug)]
pub struct Marker {
    dir: PathBuf,
    seen: Cell<usize>,
}

/// Makes a verb of the plugin fail, or wait, while it lives.
#[derive(Debug)]
pub struct Obstacle(PathBuf);

impl Marker {
    /// Installs it in a fresh directory under these names.
    #[must_use]
    pub fn install(dir: impl Into<PathBuf>, names: &[&str]) -> Self {
        let dir = dir.into();
        for part in ["bin", "calls", "marks", "hold", "fail"] {
            fs::create_dir_all(dir.join(part)).unwrap();
        }
        for name in names {
            // Renamed into place: a fork of another thread must not find it open for writing.
            let new = dir.join("new");
            fs::write(&new, PLUGIN).unwrap();
            fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
            fs::rename(new, dir.join("bin").join(name)).unwrap();
        }
        Self { dir, seen: Cell::new(0) }
    }

    /// Its directory; `bin` in it is for `CNI_PATH`.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The attachments there are: `<network>:<container>:<interface>`.
    #[must_use]
    pub fn marks(&self) -> Vec<String> {
        listing(self.dir.join("marks"))
    }

    /// The calls since this was last asked, as `TYPE VERB IFNAME`.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let calls: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
        let new = calls[self.seen.get()..].to_vec();
        self.seen.set(calls.len());
        new
    }

    /// What the last such call read on its standard input.
    #[must_use]
    pub fn stdin(&self, call: &str) -> Value {
        serde_json::from_str(&self.call(call)).unwrap()
    }

    /// `CNI_ARGS` of the last such call.
    #[must_use]
    pub fn args(&self, call: &str) -> String {
        self.call(&format!("{call} args"))
    }

    fn call(&self, call: &str) -> String {
        let file = self.dir.join("calls").join(call.replace(' ', "."));
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// Makes a verb fail: `TYPE VERB`.
    #[must_use]
    pub fn failing(&self, verb: &str) -> Obstacle {
        Obstacle::new(&self.dir.join("fail"), verb)
    }

    /// Makes a verb wait: `TYPE VERB`.
    #[must_use]
    pub fn holding(&self, verb: &str) -> Obstacle {
        Obstacle::new(&self.dir.join("hold"), verb)
    }

    /// Waits until there was such a call: `TYPE VERB IFNAME`.
    pub fn wait_for(&self, call: &str) {
        let called =
            || fs::read_to_string(self.dir.join("log")).is_ok_and(|log| log.contains(call));
        eventually(Duration::from_mins(1), call, called);
    }
}

impl Obstacle {
    fn new(dir: &Path, verb: &str) -> Self {
        let file = dir.join(verb.replace(' ', "."));
        fs::write(&file, "").unwrap();
        Self(file)
    }
}

impl Drop for Obstacle {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}
