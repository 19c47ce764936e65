//! A plugin of a few lines whose attachments are files: they hold the device that it was given.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use integration::listing;

/// Its attachments: files called `<network>:<container>:<interface>`.
pub(crate) const DIR: &str = "/run/marks";
const BIN: &str = "/run/marks-bin";
/// While this file is there its ADD does not go on.
const HOLD: &str = "/run/marks-hold";

const PLUGIN: &str = r#"#!/bin/bash
conf=$(cat)
mkdir -p /run/marks
name=$(jq -r .name <<<"$conf")
mark=/run/marks/$name:$CNI_CONTAINERID:$CNI_IFNAME
case $CNI_COMMAND in
ADD) while [ -e /run/marks-hold ]; do : > "$mark"; sleep 0.05; done
     jq -r '.deviceID // ""' <<<"$conf" > "$mark"
     jq -c --arg n "$CNI_IFNAME" --arg s "$CNI_NETNS" \
         '{cniVersion, interfaces: [{name: $n, sandbox: $s}]}' <<<"$conf" ;;
DEL) rm -f "$mark" ;;
GC) for file in /run/marks/"$name":*; do
        [ -e "$file" ] || continue
        id=${file#*"$name":}
        jq -e --arg id "$id" '[.["cni.dev/valid-attachments"][] | .containerID + ":" + .ifname] | index($id)' \
            <<<"$conf" >/dev/null || rm -f "$file"
    done ;;
esac
"#;

/// Installs the plugin, type `marker`, and returns its directory.
pub(crate) fn install() -> &'static str {
    let file = format!("{BIN}/marker");
    if !fs::exists(&file).unwrap() {
        fs::create_dir_all(BIN).unwrap();
        // Renamed into place: a fork of another thread must not find it open for writing.
        let new = format!("{BIN}.new");
        fs::write(&new, PLUGIN).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, file).unwrap();
    }
    BIN
}

/// The marks there are, `<network>:<container>:<interface>`.
pub(crate) fn marks() -> Vec<String> {
    listing(DIR)
}

/// The device that an attachment was given; empty when none.
pub(crate) fn device(network: &str, container: &str, ifname: &str) -> String {
    let mark = fs::read_to_string(format!("{DIR}/{network}:{container}:{ifname}")).unwrap();
    mark.trim_end().to_owned()
}

/// Lets no ADD go on until the value is dropped.
pub(crate) struct Hold(());

pub(crate) fn hold() -> Hold {
    fs::write(HOLD, "").unwrap();
    Hold(())
}

impl Drop for Hold {
    fn drop(&mut self) {
        fs::remove_file(HOLD).unwrap();
    }
}
