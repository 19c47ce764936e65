//! The variables of a container, called as the SR-IOV network device plugin calls them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// Device nodes of a VF.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Nodes {
    /// `/dev/vfio/vfio`, and that of the group.
    pub(super) vfio: Option<[String; 2]>,
    /// `/dev/uioN`.
    pub(super) uio: Option<String>,
    /// `/dev/vhost-net`, and that for taps.
    pub(super) vhost: Option<[String; 2]>,
}

impl Nodes {
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        let vfio = self.vfio.iter().flatten();
        vfio.chain(&self.uio).chain(self.vhost.iter().flatten()).map(String::as_str)
    }

    fn to_json(&self, id: &str) -> Value {
        let mut info = Map::from_iter([("generic".to_owned(), json!({"deviceID": id}))]);
        if let Some([container, group]) = &self.vfio {
            info.insert("vfio".to_owned(), json!({"mount": container, "dev-mount": group}));
        }
        if let Some(uio) = &self.uio {
            info.insert("uio".to_owned(), json!({"mount": uio}));
        }
        if let Some([net, tun]) = &self.vhost {
            info.insert("vhost".to_owned(), json!({"net-mount": net, "tun-mount": tun}));
        }
        Value::Object(info)
    }
}

/// `PCIDEVICE_<RESOURCE>` with the ids, `..._INFO` with what belongs to each VF; both again under a name that
/// a shell takes, where the resource has a hyphen.
pub(super) fn of(
    resource: &str,
    ids: &[String],
    nodes: &[(&str, Nodes)],
) -> HashMap<String, String> {
    let name = |keep: fn(char) -> bool| {
        let upper = resource.to_ascii_uppercase();
        format!("PCIDEVICE_{}", upper.replace(|c| !keep(c), "_"))
    };
    let info: Map<String, Value> =
        nodes.iter().map(|(id, nodes)| ((*id).to_owned(), nodes.to_json(id))).collect();
    let mut variables = HashMap::new();
    for name in
        [name(|c| c.is_ascii_alphanumeric() || c == '-'), name(|c| c.is_ascii_alphanumeric())]
    {
        if !info.is_empty() {
            variables.insert(format!("{name}_INFO"), Value::Object(info.clone()).to_string());
        }
        variables.insert(name, ids.join(","));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_the_names_of_the_peers_and_shell_safe_ones() {
        let nodes = Nodes {
            vfio: Some(["/dev/vfio/vfio".into(), "/dev/vfio/7".into()]),
            ..Nodes::default()
        };
        let ids = ["0000:01:10.0".to_owned()];
        let variables = of("fastpath.dev/vf-a", &ids, &[("0000:01:10.0", nodes)]);
        let mut names: Vec<&str> = variables.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "PCIDEVICE_FASTPATH_DEV_VF-A",
                "PCIDEVICE_FASTPATH_DEV_VF-A_INFO",
                "PCIDEVICE_FASTPATH_DEV_VF_A",
                "PCIDEVICE_FASTPATH_DEV_VF_A_INFO"
            ]
        );
        let info: Value =
            serde_json::from_str(&variables["PCIDEVICE_FASTPATH_DEV_VF_A_INFO"]).unwrap();
        let vfio = json!({"mount": "/dev/vfio/vfio", "dev-mount": "/dev/vfio/7"});
        let generic = json!({"deviceID": "0000:01:10.0"});
        assert_eq!(info, json!({"0000:01:10.0": {"generic": generic, "vfio": vfio}}));
    }
}
