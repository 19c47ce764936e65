//! `ovn`: between two ports of a logical switch that is made for measuring. Both are at this node's chassis, or
//! the second one at another chassis on this machine, behind the tunnel.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hostnet::Netns;
use ovsdb::{Address, Vswitch};
use serde_json::{Value, json};

use super::attachments::Attached;
use super::command::Overlay;
use super::path::{Missing, Path, PathName};
use crate::host::existing_netns;

/// The logical switch. The plugin makes it for the first port, and removes it with the last.
const SWITCH: &str = "fpmeasure";
/// What the plugin makes it with; of benchmarks (RFC 2544). Its ports have no address.
const SUBNET: &str = "198.18.0.0/24";
/// Ethernet header, which an MTU leaves out.
const HEADER: u32 = 14;

const DEADLINE: Duration = Duration::from_secs(10);

/// A chassis that an end is attached at.
struct Chassis {
    ovsdb: Address,
    /// Where it runs, unless it is where this process does.
    netns: Option<PathBuf>,
    told: ovsdb::vswitch::Chassis,
    /// `system` or `netdev`.
    datapath: String,
}

impl Chassis {
    fn look(ovsdb: &Address, netns: Option<PathBuf>) -> Result<Self, Missing> {
        let deadline = Instant::now() + DEADLINE;
        let (switch, bridges) = Vswitch::connect(ovsdb, deadline)?.overview(deadline)?;
        let told = switch.chassis().ok_or_else(|| {
            Missing(format!(
                "the switch at {ovsdb} is no chassis of OVN: its external_ids have no ovn-remote, ovn-encap-type \
                 or system-id; set them, and start ovn-controller"
            ))
        })?;
        let bridge = bridges.into_iter().find(|bridge| bridge.name == told.bridge);
        let bridge = bridge.ok_or_else(|| {
            let bridge = &told.bridge;
            Missing(format!("chassis {} has no bridge {bridge}; start ovn-controller", told.name))
        })?;
        let datapath = Some(bridge.datapath_type).filter(|kind| !kind.is_empty());
        let datapath = datapath.unwrap_or_else(|| "system".to_owned());
        Ok(Self { ovsdb: ovsdb.clone(), netns, told, datapath })
    }

    /// A port of the logical switch, as an end.
    fn attach(
        &self,
        plugins: &[PathBuf],
        overlay: &Overlay,
        ifname: &'static str,
    ) -> Result<Attached, Missing> {
        let host = self.netns.as_deref().map(Netns::open).transpose()?;
        Attached::attach(plugins, host, ifname, self.conf(overlay))
    }

    /// What the plugin is told.
    fn conf(&self, overlay: &Overlay) -> Value {
        let mut conf = json!({
            "type": "ovn", "switch": SWITCH, "createSwitch": {"subnet": SUBNET},
            "nb": overlay.nb, "ovsdb": self.ovsdb, "integrationBridge": self.told.bridge,
        });
        if let [key, certificate, authority] = overlay.nb_tls.as_slice() {
            conf["tls"] = json!({"key": key, "certificate": certificate, "authority": authority});
        }
        conf
    }
}

/// Frames of so many bytes from one port to the other.
pub(super) fn ports(
    overlay: &Overlay,
    ovsdb: &Address,
    plugins: &[PathBuf],
    size: u32,
) -> Result<Path, Missing> {
    let near = Chassis::look(ovsdb, None)?;
    let peer = match (&overlay.peer_netns, &overlay.peer_ovsdb) {
        (Some(netns), Some(ovsdb)) => Some(Chassis::look(ovsdb, Some(existing_netns(netns)?))?),
        _ => None,
    };
    let driver = driver(&near, peer.as_ref())?;
    let from = near.attach(plugins, overlay, "ovn0")?;
    let to = peer.as_ref().unwrap_or(&near).attach(plugins, overlay, "ovn1")?;
    fits(size, [&from, &to])?;
    Ok(Path {
        name: PathName::Ovn,
        driver,
        numa: None,
        ends: from.ends_with(&to)?,
        program: None,
        _keep: vec![Box::new(from), Box::new(to)],
    })
}

/// What forwards: a figure without the tunnel is another one than with it.
fn driver(near: &Chassis, peer: Option<&Chassis>) -> Result<String, Missing> {
    let Chassis { told, datapath, .. } = near;
    let Some(peer) = peer else {
        return Ok(format!("logical switch on one chassis, {datapath} datapath"));
    };
    if peer.told.name == told.name {
        return Err(Missing(format!("--peer-ovsdb is that of chassis {}, too", told.name)));
    }
    let (tunnels, one, other) = (&told.tunnels, &told.name, &peer.told.name);
    Ok(format!("{tunnels} between {one} and {other}, {datapath} datapath"))
}

/// The tunnel's headers take their part of what the link below carries.
fn fits(size: u32, ends: [&Attached; 2]) -> Result<(), Missing> {
    let Some(mtu) = ends.into_iter().filter_map(|end| end.mtu).min() else { return Ok(()) };
    let most = mtu + HEADER;
    if size <= most {
        return Ok(());
    }
    Err(Missing(format!("its frames have at most {most} bytes; measure with --size {most}")))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::Cli;

    fn chassis(name: &str) -> Chassis {
        let told = |text: &str| text.to_owned();
        Chassis {
            ovsdb: "unix:/db".parse().unwrap(),
            netns: None,
            told: ovsdb::vswitch::Chassis {
                name: told(name),
                bridge: told("br-int"),
                tunnels: told("geneve"),
            },
            datapath: told("netdev"),
        }
    }

    #[test]
    fn the_plugin_is_told_how_to_reach_the_database() {
        let files = ["k.pem", "c.pem", "a.pem"].map(PathBuf::from);
        let nb = "ssl:one:6641,ssl:two:6641".to_owned();
        let overlay = Overlay { nb, nb_tls: files.to_vec(), peer_netns: None, peer_ovsdb: None };
        let conf = chassis("a").conf(&overlay);
        let tls = json!({"key": "k.pem", "certificate": "c.pem", "authority": "a.pem"});
        assert_eq!((&conf["nb"], &conf["tls"]), (&json!("ssl:one:6641,ssl:two:6641"), &tls));
        let clear = Overlay { nb_tls: Vec::new(), ..overlay };
        assert!(chassis("a").conf(&clear).get("tls").is_none());
    }

    #[test]
    fn options_that_belong_together_are_given_together() {
        for (options, valid) in [
            ("--nb-tls k c a", true),
            ("--nb-tls k c", false),
            ("--peer-netns b --peer-ovsdb unix:/b.sock", true),
            ("--peer-netns b", false),
            ("--peer-ovsdb unix:/b.sock", false),
        ] {
            let line = ["fastpath", "measure"].into_iter().chain(options.split(' '));
            assert_eq!(Cli::try_parse_from(line).is_ok(), valid, "{options}");
        }
    }

    #[test]
    fn the_driver_tells_whether_there_is_a_tunnel() {
        let (one, two) = (chassis("a"), chassis("b"));
        let tunnel = driver(&one, Some(&two)).unwrap();
        assert_eq!(tunnel, "geneve between a and b, netdev datapath");
        let local = driver(&one, None).unwrap();
        assert_eq!(local, "logical switch on one chassis, netdev datapath");
        let Missing(why) = driver(&one, Some(&chassis("a"))).unwrap_err();
        assert!(why.contains("--peer-ovsdb is that of chassis a"), "{why}");
    }
}
