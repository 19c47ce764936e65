//! What pods take of a node, counted as kube-scheduler counts it.

use policy::Datapath;

/// Room of a node, or as much of it as a pod takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Room {
    pub(super) cpus: u64,
    pub(super) pods: u64,
    pub(super) vf: u64,
    pub(super) vhostuser: u64,
}

impl Room {
    /// What a pod takes that is on a path.
    pub(super) fn of_pod(cpus: u64, path: Datapath) -> Self {
        let (vf, vhostuser) = match path {
            Datapath::Vf => (1, 0),
            Datapath::OvsDpdk => (0, 1),
            Datapath::Ovn | Datapath::Kernel => (0, 0),
        };
        Self { cpus, pods: 1, vf, vhostuser }
    }

    pub(super) fn holds(&self, wanted: &Self) -> bool {
        self.cpus >= wanted.cpus
            && self.pods >= wanted.pods
            && self.vf >= wanted.vf
            && self.vhostuser >= wanted.vhostuser
    }

    /// Takes what it [holds](Self::holds).
    pub(super) fn take(&mut self, taken: &Self) {
        self.cpus -= taken.cpus;
        self.pods -= taken.pods;
        self.vf -= taken.vf;
        self.vhostuser -= taken.vhostuser;
    }

    pub(super) fn give_back(&mut self, taken: &Self) {
        self.cpus += taken.cpus;
        self.pods += taken.pods;
        self.vf += taken.vf;
        self.vhostuser += taken.vhostuser;
    }
}
