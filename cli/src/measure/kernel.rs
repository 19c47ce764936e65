//! `kernel`: two ports of a Linux bridge; and the floor, a cable with nothing in between.

use hostnet::{LinkChange, Netns, Rtnl};

use super::path::{Ends, Keep, Missing, Outer, Path, PathName, set_up};

impl Keep for Netns {}

/// Two ends at a bridge, all in namespaces of their own.
pub(super) fn bridge() -> Result<Path, Missing> {
    let middle = Netns::fresh()?;
    let rtnl = Rtnl::here()?.inside(&middle)?;
    rtnl.add_bridge("bridge")?;
    let bridge = set_up(&rtnl, "bridge")?;
    let outer = |port: &str| -> Result<Outer, Missing> {
        let outer = Outer::plugged(&rtnl, port)?;
        let index = set_up(&rtnl, port)?;
        let plug = LinkChange { controller: Some(bridge), ..LinkChange::default() };
        rtnl.set_link(index, &plug)?;
        Ok(outer)
    };
    let (from, to) = (outer("port0")?, outer("port1")?);
    Ok(Path {
        name: PathName::Kernel,
        driver: "bridge".to_owned(),
        numa: None,
        ends: Ends::between(&from, &to)?,
        program: None,
        _keep: vec![Box::new(from), Box::new(to), Box::new(middle)],
    })
}

/// What the sender, the receiver and a veth pair take by themselves.
pub(super) fn floor() -> Result<(Ends, Outer), Missing> {
    let near = Netns::fresh()?;
    let rtnl = Rtnl::here()?.inside(&near)?;
    let far = Outer::plugged(&rtnl, "near")?;
    let sender = near.run(|| frames::End::open("near"))??;
    let (to, back) = (frames::Mac(far.mac.0), sender.mac());
    Ok((Ends { sender, receiver: far.open()?, to, back }, far))
}
