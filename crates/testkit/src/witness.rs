//! Independent views of the host, for assertions: what iproute2 and sysfs say.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::output;

/// What `ip -d -j ARGS` prints, in a namespace known to `ip netns` or in the test's own.
#[must_use]
pub fn ip_json(netns: Option<&str>, args: &[&str]) -> Value {
    let inside: Vec<&str> = netns.map_or(vec![], |name| vec!["-n", name]);
    let text = output("ip", &[&inside, &["-d", "-j"][..], args].concat());
    if text.trim().is_empty() {
        return Value::Array(vec![]);
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("ip {args:?}: {error}: {text}"))
}

/// What a file says, without the newline; panics when it cannot be read.
#[must_use]
pub fn sysfs(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    let text = fs::read_to_string(path);
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display())).trim_end().into()
}

/// Everything about the VFs of a PF that an attachment may change, one line for each VF.
///
/// To be compared as a whole and read by people. First what sysfs says of the VF: address, driver,
/// override, and its interface as seen from here (`-` while it is in another namespace or has none);
/// after the bar the PF's settings for it.
#[must_use]
pub fn vf_table(pf: &str) -> String {
    let device = PathBuf::from("/sys/class/net").join(pf).join("device");
    let link = ip_json(None, &["link", "show", "dev", pf]);
    let empty = vec![];
    let settings = link[0]["vfinfo_list"].as_array().unwrap_or(&empty);
    let count: usize = sysfs(device.join("sriov_numvfs")).parse().unwrap();
    let mut lines = Vec::new();
    for index in 0..count {
        let vf = vf_side(&device.join(format!("virtfn{index}")));
        let entry = settings.iter().find(|entry| entry["vf"] == index);
        let settings = pf_side(entry.unwrap_or(&Value::Null));
        lines.push(format!("vf{index} {vf} | {settings}\n"));
    }
    lines.concat()
}

fn vf_side(vf: &Path) -> String {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let address = name(&fs::read_link(vf).unwrap());
    let driver = fs::read_link(vf.join("driver")).map_or("-".into(), |driver| name(&driver));
    let wanted = sysfs(vf.join("driver_override"));
    // The directory is there, but empty, while the interface is in another namespace.
    let interface = fs::read_dir(vf.join("net")).ok().and_then(|mut dir| dir.next());
    let interface = interface.map_or("netdev=-".into(), |entry| {
        let dir = entry.unwrap().path();
        let flags = sysfs(dir.join("flags"));
        let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16).unwrap();
        format!(
            "netdev={} mac={} mtu={} {}",
            name(&dir),
            sysfs(dir.join("address")),
            sysfs(dir.join("mtu")),
            if flags & 1 == 1 { "up" } else { "down" }
        )
    });
    format!("{address} driver={driver} override={wanted} {interface}")
}

/// An entry of `vfinfo_list`; what a driver does not report is `-`.
fn pf_side(vf: &Value) -> String {
    let text = |value: &Value| match value {
        Value::Null => "-".into(),
        Value::Bool(on) => if *on { "on" } else { "off" }.into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // Absent when there is no VLAN.
    let vlan = &vf["vlan_list"][0];
    let (rate, or_zero) = (&vf["rate"], |value: &Value| value.as_u64().unwrap_or(0));
    format!(
        "mac={} vlan={} qos={} proto={} spoofchk={} trust={} rate={}-{} link={}",
        text(&vf["address"]),
        or_zero(&vlan["vlan"]),
        or_zero(&vlan["qos"]),
        text(&vlan["protocol"]),
        text(&vf["spoofchk"]),
        text(&vf["trust"]),
        text(&rate["min_tx"]),
        text(&rate["max_tx"]),
        text(&vf["link_state"])
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_settings_of_a_vf_are_one_line() {
        let entry = json!({
            "vf": 1, "link_type": "ether", "address": "02:00:00:00:00:01",
            "vlan_list": [{"vlan": 100, "qos": 3, "protocol": "802.1ad"}],
            "rate": {"max_tx": 200, "min_tx": 100},
            "spoofchk": true, "link_state": "auto", "trust": false,
        });
        assert_eq!(
            pf_side(&entry),
            "mac=02:00:00:00:00:01 vlan=100 qos=3 proto=802.1ad spoofchk=on trust=off \
             rate=100-200 link=auto"
        );
    }

    #[test]
    fn what_is_not_reported_shows_as_such() {
        assert_eq!(
            pf_side(&Value::Null),
            "mac=- vlan=0 qos=0 proto=- spoofchk=- trust=- rate=--- link=-"
        );
    }
}
