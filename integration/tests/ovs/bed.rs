//! What the tests share: an Open vSwitch, and pods' directories.

use std::fs;
use std::ops::Deref;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use testkit::netns::private_mounts;
use testkit::ovs::Ovs;

/// The bridge that is there for every test, without ports.
pub(crate) const BRIDGE: &str = "br0";
/// VLANs that only a pod connects.
pub(crate) const VLANS: [u16; 2] = [100, 200];
/// The user that pods' programs run as.
pub(crate) const USER: u32 = 1000;

/// Starting it takes less than a second, but one namespace holds one only.
static OVS: Mutex<Option<Ovs>> = Mutex::new(None);

/// The Open vSwitch, for one test at a time.
pub(crate) struct Turn(MutexGuard<'static, Option<Ovs>>);

/// Waits for its turn. After a test that failed it is a new one, and so is everything else.
pub(crate) fn ovs() -> Turn {
    let mut ovs = OVS.lock().unwrap_or_else(|failed| {
        OVS.clear_poison();
        let mut ovs = failed.into_inner();
        *ovs = None;
        ovs
    });
    if ovs.is_none() {
        private_mounts(&["/run", "/var/lib"]);
        for dir in ["/run/fastpath", "/var/lib/fastpath"] {
            assert!(!Path::new(dir).exists() || fs::remove_dir_all(dir).is_ok(), "remove {dir}");
        }
        let new = Ovs::start();
        new.add_bridge(BRIDGE);
        *ovs = Some(new);
    }
    Turn(ovs)
}

impl Turn {
    /// Ends it; the next test starts a new one.
    pub(crate) fn end(mut self) {
        *self.0 = None;
    }
}

impl Deref for Turn {
    type Target = Ovs;

    fn deref(&self) -> &Ovs {
        self.0.as_ref().unwrap()
    }
}

impl Drop for Turn {
    #[expect(clippy::print_stdout, reason = "becomes part of what the failing test has to say")]
    fn drop(&mut self) {
        if let Some(ovs) = self.0.as_ref().filter(|_| thread::panicking()) {
            println!("the switch, whose test failed, said: {}", ovs.tail());
        }
    }
}

/// A directory that is a pod's, for its sockets; its programs can write to it.
pub(crate) fn pod_directory(name: &str) -> PathBuf {
    let dir = Path::new("/run/pods").join(name);
    fs::create_dir_all(&dir).unwrap();
    chown(&dir, Some(USER), Some(USER)).unwrap();
    dir
}
