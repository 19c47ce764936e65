//! Where things are on the host.

use std::path::PathBuf;

/// The paths a program works with: made once in `main`, handed down, so that tests can bring theirs.
#[derive(Debug, Clone)]
pub struct Host {
    /// Mount point of sysfs.
    pub sys: PathBuf,
    /// Mount point of procfs.
    pub proc: PathBuf,
    /// Directory of kernel modules, one folder per kernel release.
    pub modules: PathBuf,
    /// Configuration of the host: its users and groups.
    pub etc: PathBuf,
    /// What kubelet keeps of its pods.
    pub kubelet: PathBuf,
    /// What has to outlive a reboot.
    pub state: PathBuf,
    /// What a reboot empties.
    pub run: PathBuf,
}

impl Host {
    /// The real ones.
    #[must_use]
    pub fn real() -> Self {
        Self {
            sys: "/sys".into(),
            proc: "/proc".into(),
            modules: "/lib/modules".into(),
            etc: "/etc".into(),
            kubelet: "/var/lib/kubelet".into(),
            state: "/var/lib/fastpath".into(),
            run: "/run/fastpath".into(),
        }
    }
}
