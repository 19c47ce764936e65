//! The inventory for people.

use std::fmt::Write as _;

use vf::Function;

use super::Inventory;

/// A few lines for each part.
pub(super) fn of(inventory: &Inventory) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    write(inventory, &mut text).ok();
    text
}

fn write(inventory: &Inventory, text: &mut String) -> std::fmt::Result {
    let machine = &inventory.machine;
    writeln!(text, "{}, Linux {}", machine.hostname, machine.kernel)?;
    let isolated = match machine.isolated_cpus.as_str() {
        "" => "none",
        list => list,
    };
    let iommu = if machine.iommu { "on" } else { "off" };
    let mib = machine.memory_bytes >> 20;
    writeln!(
        text,
        "  {} CPUs, isolated: {isolated}; {mib} MiB of memory; IOMMU {iommu}",
        machine.cpus
    )?;
    for pages in &machine.hugepages {
        writeln!(
            text,
            "  NUMA node {}: {} hugepages of {} KiB, {} free",
            pages.numa, pages.total, pages.size_kib, pages.free
        )?;
    }
    writeln!(text, "network controllers: {}", inventory.functions.len())?;
    inventory.functions.iter().try_for_each(|function| write_function(function, text))?;
    match (&inventory.switch, &inventory.no_switch) {
        (Some(switch), _) => write_switch(switch, text),
        (None, why) => writeln!(text, "no switch: {}", why.as_deref().unwrap_or_default()),
    }
}

fn write_function(function: &Function, text: &mut String) -> std::fmt::Result {
    let driver = function.driver.as_deref().unwrap_or("no driver");
    write!(text, "  {} {}:{} {driver}", function.addr, function.vendor, function.device)?;
    if let Some(numa) = function.numa {
        write!(text, ", NUMA node {numa}")?;
    }
    if let Some(group) = &function.iommu_group {
        write!(text, ", IOMMU group {group}")?;
    }
    if let (Some(pf), Some(index)) = (function.pf, function.index) {
        write!(text, ", VF {index} of {pf}")?;
    }
    if function.total_vfs > 0 {
        write!(text, ", {} of {} VFs", function.vfs, function.total_vfs)?;
    }
    for link in &function.links {
        write!(text, ", {} {}", link.name, link.state)?;
        if let Some(speed) = link.speed_mbps {
            write!(text, " {speed} Mbit/s")?;
        }
    }
    writeln!(text)
}

fn write_switch(switch: &super::Switch, text: &mut String) -> std::fmt::Result {
    let version = switch.version.as_deref().unwrap_or("of unknown version");
    let dpdk = match (&switch.dpdk_version, switch.dpdk_initialized) {
        (Some(version), true) => format!("{version}, initialized"),
        (None, true) => "DPDK initialized".to_owned(),
        (_, false) => "without DPDK".to_owned(),
    };
    let pmd = switch.pmd_cpu_mask.as_deref().unwrap_or("chosen by the switch");
    writeln!(text, "Open vSwitch {version}, {dpdk}; pollers on CPUs {pmd}")?;
    if let Some(chassis) = &switch.chassis {
        writeln!(text, "  chassis {chassis} of OVN")?;
    }
    for bridge in &switch.bridges {
        writeln!(
            text,
            "  bridge {}, datapath {}, {} ports",
            bridge.name, bridge.datapath_type, bridge.ports
        )?;
    }
    Ok(())
}
