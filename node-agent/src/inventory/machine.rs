//! The machine: name, kernel, processors, memory.

use std::fs;
use std::path::Path;

use serde::Serialize;
use sysinfo::System;

/// The machine as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    /// Its name.
    pub(crate) hostname: String,
    /// Release of its kernel.
    pub(crate) kernel: String,
    /// Processors.
    pub(crate) cpus: usize,
    /// Processors that the scheduler leaves alone (`isolcpus`), as the kernel lists them: `2-3,8`.
    pub(crate) isolated_cpus: String,
    /// Memory in bytes.
    pub(crate) memory_bytes: u64,
    /// Whether an IOMMU runs, without which vfio-pci isolates nothing.
    pub(crate) iommu: bool,
    /// Huge pages, by NUMA node and size.
    pub(crate) hugepages: Vec<Hugepages>,
}

/// Huge pages of one size on one NUMA node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hugepages {
    /// NUMA node.
    pub(crate) numa: u32,
    /// Size of a page in KiB.
    pub(crate) size_kib: u64,
    /// Pages.
    pub(crate) total: u64,
    /// Pages that nobody uses.
    pub(crate) free: u64,
}

impl Machine {
    pub(crate) fn read(sys: &Path, proc: &Path) -> Self {
        Self {
            hostname: line(&proc.join("sys/kernel/hostname")).unwrap_or_default(),
            kernel: line(&proc.join("sys/kernel/osrelease")).unwrap_or_default(),
            cpus: std::thread::available_parallelism().map_or(1, Into::into),
            isolated_cpus: line(&sys.join("devices/system/cpu/isolated")).unwrap_or_default(),
            memory_bytes: memory_bytes(),
            iommu: vf::Sysfs::new(sys).has_iommu(),
            hugepages: hugepages(&sys.join("devices/system/node")),
        }
    }
}

fn memory_bytes() -> u64 {
    let Ok(mut system) = System::new() else { return 0 };
    system.refresh_memory();
    system.total_memory()
}

/// Documentation/ABI/stable/sysfs-devices-node: `node<N>/hugepages/hugepages-<size>kB/`.
fn hugepages(nodes: &Path) -> Vec<Hugepages> {
    let mut all = Vec::new();
    for (numa, dir) in numbered(nodes, "node", "") {
        for (size_kib, pages) in numbered(&dir.join("hugepages"), "hugepages-", "kB") {
            let count = |file: &str| line(&pages.join(file)).and_then(|text| text.parse().ok());
            let (Ok(numa), Some(total), Some(free)) =
                (u32::try_from(numa), count("nr_hugepages"), count("free_hugepages"))
            else {
                continue;
            };
            all.push(Hugepages { numa, size_kib, total, free });
        }
    }
    all.sort();
    all
}

/// The entries of a directory that are called `<prefix><number><suffix>`.
fn numbered(dir: &Path, prefix: &str, suffix: &str) -> Vec<(u64, std::path::PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let number = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let number = name.strip_prefix(prefix)?.strip_suffix(suffix)?.parse().ok()?;
        Some((number, entry.path()))
    };
    entries.filter_map(number).collect()
}

fn line(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hugepages_are_told_by_node_and_size() {
        let sys = tempfile::tempdir().unwrap();
        for (numa, kib, total, free) in [(1, 2048, 512, 500), (0, 1_048_576, 4, 0), (0, 2048, 0, 0)]
        {
            let path = format!("devices/system/node/node{numa}/hugepages/hugepages-{kib}kB");
            let dir = sys.path().join(path);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("nr_hugepages"), format!("{total}\n")).unwrap();
            fs::write(dir.join("free_hugepages"), format!("{free}\n")).unwrap();
        }
        let node = sys.path().join("devices/system/node");
        fs::create_dir_all(node.join("power")).unwrap();
        let told: Vec<_> = hugepages(&node)
            .into_iter()
            .map(|pages| (pages.numa, pages.size_kib, pages.total, pages.free))
            .collect();
        assert_eq!(told, [(0, 2048, 0, 0), (0, 1_048_576, 4, 0), (1, 2048, 512, 500)]);
    }
}
