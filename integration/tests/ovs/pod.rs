//! Pods whose networks are made by the vhostuser plugin.

use std::path::{Path, PathBuf};

use integration::with;
use serde_json::{Value, json};
use testkit::cni::{Output, Plugin};
use testkit::netns::Netns;
use testkit::ovs::Ovs;
use testkit::testpmd::{Options, Testpmd};

use crate::bed::{BRIDGE, USER};

/// The plugin, with the suites' IPAM.
pub(crate) fn vhostuser() -> Plugin {
    Plugin::new("vhostuser").path(&integration::test_ipam())
}

/// A network on the bridge of the bed, whose sockets are for the user of the bed.
pub(crate) fn conf(keys: &Value) -> Value {
    let base = json!({"cniVersion": "1.1.0", "name": "fast", "type": "vhostuser", "bridge": BRIDGE,
                      "socketDir": {"owner": USER, "group": USER, "mode": "0700"}});
    with(&base, keys)
}

/// All that an attachment may leave.
pub(crate) fn state(ovs: &Ovs) -> String {
    ovs.state() + &integration::leftovers()
}

/// The port of an attachment, by the owner that its rows name.
pub(crate) fn port_of(ovs: &Ovs, container: &str, ifname: &str) -> String {
    let of = ["container", "ifname"].into_iter().zip([container, ifname]);
    let of: Vec<String> =
        of.map(|(key, value)| format!("external_ids:fastpath-{key}={value}")).collect();
    let of: Vec<&str> = of.iter().map(String::as_str).collect();
    let found = ovs.find("Port", &["name"], &of);
    assert_eq!(found.len(), 1, "ports of {container}:{ifname}: {found:?}");
    found[0]["name"].as_str().unwrap().to_owned()
}

/// A pod and its attachments.
pub(crate) struct Pod<'a> {
    pub(crate) ovs: &'a Ovs,
    pub(crate) netns: Netns,
    pub(crate) id: &'a str,
    plugin: Plugin,
    attached: Vec<Attachment>,
}

/// One of them.
pub(crate) struct Attachment {
    pub(crate) ifname: String,
    pub(crate) port: String,
    pub(crate) socket: PathBuf,
    pub(crate) result: Value,
    conf: Value,
}

impl Attachment {
    pub(crate) fn dir(&self) -> &Path {
        self.socket.parent().unwrap()
    }

    /// The words that its application is started with.
    pub(crate) fn eal_args(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir().join("eal-args")).unwrap();
        text.split_whitespace().map(str::to_owned).collect()
    }
}

impl<'a> Pod<'a> {
    pub(crate) fn new(ovs: &'a Ovs, id: &'a str) -> Self {
        Self { ovs, netns: Netns::new(), id, plugin: vhostuser(), attached: Vec::new() }
    }

    /// Gives it an interface.
    pub(crate) fn attach(&mut self, ifname: &str, keys: &Value) -> &Attachment {
        let conf = conf(keys);
        let result = self.plugin.add(&conf, self.id, ifname, self.netns.path()).expect_ok();
        let socket = result["interfaces"][0]["socketPath"].as_str().unwrap().into();
        let port = port_of(self.ovs, self.id, ifname);
        self.attached.push(Attachment { ifname: ifname.to_owned(), port, socket, result, conf });
        self.attached.last().unwrap()
    }

    /// `net1` in the first VLAN and `net2` in the second: what the pod forwards goes from one to the other.
    pub(crate) fn attach_two(&mut self, keys: &Value) {
        for (ifname, vlan) in ["net1", "net2"].into_iter().zip(crate::bed::VLANS) {
            self.attach(ifname, &with(&json!({"vlan": vlan}), keys));
        }
    }

    pub(crate) fn attachment(&self, index: usize) -> &Attachment {
        &self.attached[index]
    }

    /// Its program, run by somebody who may do nothing, when it forwards on all its interfaces.
    pub(crate) fn forward(&self, options: Options) -> Testpmd {
        let eal = self.attached.iter().flat_map(Attachment::eal_args).collect();
        let testpmd = Testpmd::start(&self.netns, &Options { eal, user: Some(USER), ..options });
        self.wait_links_up();
        testpmd
    }

    pub(crate) fn wait_links_up(&self) {
        for Attachment { port, .. } in &self.attached {
            self.ovs.wait_link_up(port);
        }
    }

    /// CHECK of all.
    pub(crate) fn check(&self) {
        for index in 0..self.attached.len() {
            self.check_one(index).expect_ok();
        }
    }

    /// CHECK of one.
    pub(crate) fn check_one(&self, index: usize) -> Output {
        let Attachment { ifname, conf, result, .. } = &self.attached[index];
        let conf = with(conf, &json!({"prevResult": result}));
        self.plugin.check(&conf, self.id, ifname, self.netns.path())
    }

    /// DEL of all.
    pub(crate) fn detach(self) {
        for Attachment { ifname, conf, .. } in self.attached.iter().rev() {
            self.plugin.del(conf, self.id, ifname, self.netns.path()).expect_ok();
        }
    }
}
