//! Whether a pod is there: by kubelet's word and by its processes, and only both together say that not.

use std::cell::OnceCell;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use hostnet::NetnsId;
use kubelet::{PodKey, known_pods};

/// How long kubelet has for its answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// The pods of the node; looked for when the first is asked for.
pub(super) struct Pods<'a> {
    socket: &'a Path,
    proc: &'a Path,
    /// None where kubelet does not answer.
    known: OnceCell<Option<Vec<PodKey>>>,
}

impl<'a> Pods<'a> {
    pub(super) fn new(socket: &'a Path, proc: &'a Path) -> Self {
        Self { socket, proc, known: OnceCell::new() }
    }

    /// Whether kubelet knows a pod of this name; none where it does not answer.
    pub(super) fn knows(&self, pod: &PodKey) -> Option<bool> {
        let known = self.known.get_or_init(|| {
            known_pods(self.socket, Instant::now() + DEADLINE)
                .inspect_err(|error| log::debug!("{}", cni::chain(error)))
                .ok()
        });
        let same = |other: &PodKey| other.namespace == pod.namespace && other.name == pod.name;
        known.as_ref().map(|known| known.iter().any(same))
    }

    /// Whether kubelet answers and knows no such pod, and nobody is in its namespace. kubelet's word alone
    /// is not enough: one that has just started, or cannot reach the API server, knows no pods at all.
    pub(super) fn has_lost(&self, pod: &PodKey, netns: &NetnsId) -> bool {
        self.knows(pod) == Some(false) && !self.has_process(netns)
    }

    /// Whether a process is in the namespace. In doubt one is: who is the first process of a container sees no
    /// others.
    fn has_process(&self, netns: &NetnsId) -> bool {
        if std::process::id() == 1 {
            return true;
        }
        let Ok(processes) = fs::read_dir(self.proc) else { return true };
        let is_pid = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        let pids = processes.flatten().map(|entry| entry.path());
        let mut pids =
            pids.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_pid));
        pids.any(|path| match fs::metadata(path.join("ns/net")) {
            Ok(theirs) => (theirs.dev(), theirs.ino()) == (netns.dev, netns.ino),
            // It has ended, or has been dying since.
            Err(error) => {
                error.kind() != ErrorKind::NotFound && error.raw_os_error() != Some(libc::ESRCH)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    /// Processes, one of which has ended meanwhile, and the namespaces of the other one and of nobody.
    fn processes() -> (TempDir, [NetnsId; 2]) {
        let dir = tempfile::tempdir().unwrap();
        let namespaces = ["used", "unused"].map(|name| {
            let path = dir.path().join(name);
            fs::write(&path, "").unwrap();
            let meta = fs::metadata(&path).unwrap();
            NetnsId { path, dev: meta.dev(), ino: meta.ino() }
        });
        for (pid, netns) in [("7", "used"), ("8", "ended")] {
            let ns = dir.path().join(pid).join("ns");
            fs::create_dir_all(&ns).unwrap();
            symlink(dir.path().join(netns), ns.join("net")).unwrap();
        }
        (dir, namespaces)
    }

    fn pod(name: &str) -> PodKey {
        PodKey { namespace: "a".to_owned(), name: name.to_owned(), uid: String::new() }
    }

    #[test]
    fn a_pod_is_lost_when_kubelet_and_its_namespace_say_so() {
        let (proc, [used, unused]) = processes();
        let pods = Pods::new(Path::new("/no/such.sock"), proc.path());
        pods.known.set(Some(vec![pod("known")])).unwrap();
        assert!(pods.has_lost(&pod("unknown"), &unused));
        assert!(!pods.has_lost(&pod("unknown"), &used));
        assert!(!pods.has_lost(&pod("known"), &unused));
    }

    #[test]
    fn no_pod_is_lost_where_kubelet_or_the_processes_cannot_be_asked() {
        let (proc, [_, unused]) = processes();
        let silent = Pods::new(Path::new("/no/such.sock"), proc.path());
        assert_eq!(silent.knows(&pod("unknown")), None);
        assert!(!silent.has_lost(&pod("unknown"), &unused));
        let blind = Pods::new(Path::new("/no/such.sock"), Path::new("/no/proc"));
        blind.known.set(Some(Vec::new())).unwrap();
        assert!(!blind.has_lost(&pod("unknown"), &unused));
    }
}
