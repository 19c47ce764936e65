//! The extended resource of each path.

use policy::Datapath;

const VF: &str = "fastpath.dev/vf";
const VHOSTUSER: &str = "fastpath.dev/vhostuser";

/// The resource that a pod on a path requests, if that path has any.
pub(super) fn of(path: Datapath) -> Option<&'static str> {
    match path {
        Datapath::Vf => Some(VF),
        Datapath::OvsDpdk => Some(VHOSTUSER),
        Datapath::Ovn | Datapath::Kernel => None,
    }
}

/// The path that a resource belongs to. A further pool has a name of its own, and none is known.
pub(super) fn path(resource: &str) -> Option<Datapath> {
    match resource {
        VF => Some(Datapath::Vf),
        VHOSTUSER => Some(Datapath::OvsDpdk),
        _ => None,
    }
}
