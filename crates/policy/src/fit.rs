//! Whether a node keeps what a pod demands, and how well.

use std::fmt;

use jiff::Timestamp;

use crate::{Budget, Datapath, Demand, Figure, Node, VALIDITY};

/// The best score.
pub const BEST: u8 = 10;

/// Shares of the budget, percent. A measured node whose p99 takes at most the first has [`BEST`], at most
/// the second one less, and so on. They lie apart by factors: nodes at 20 µs and at 100 µs of 5000 are told
/// apart as well as nodes at 3000 µs and at 4900.
const SHARES: [u64; 8] = [1, 2, 5, 10, 20, 40, 60, 80];

/// Why a node may take the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It was measured and is fast enough.
    Measured {
        /// Its p99, µs.
        p99_us: u64,
        /// What it is compared with.
        budget: Budget,
        /// NUMA node of the device, where that is known.
        numa: Option<u32>,
    },
    /// It has the path, and no figure of it.
    Unmeasured,
    /// What it publishes was not renewed.
    Expired,
    /// Any node has the kernel's path; whether this one has faster ones, which others need.
    Kernel {
        /// Whether it has.
        fast: bool,
    },
    /// It was measured, and its kernel is slower than the budget. The kernel's path is the last resort, and
    /// admission lets a pod go to any node for it.
    SlowKernel {
        /// Its p99, µs.
        p99_us: u64,
        /// What it is compared with.
        budget: Budget,
    },
}

/// Why a node may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It lacks the path.
    #[error("it has no path {path} (label fastpath.dev/{path})")]
    NoPath {
        /// The path.
        path: Datapath,
    },
    /// Its p99 is above the budget.
    #[error("its p99 of {path} is {p99_us} µs, above the budget of {budget}")]
    TooSlow {
        /// The path.
        path: Datapath,
        /// Its p99, µs.
        p99_us: u64,
        /// The budget.
        budget: Budget,
    },
    /// The pod wants a measured node, and it is none.
    #[error("its p99 of {path} was not measured, and the pod requires that it was")]
    NotMeasured {
        /// The path.
        path: Datapath,
    },
    /// Its figure cannot be read.
    #[error("its label fastpath.dev/{path}-p99-us is no whole number")]
    Unreadable {
        /// The path.
        path: Datapath,
    },
    /// Too few are free.
    #[error("it has {free} free of {path}, and the pod wants {wanted}")]
    Full {
        /// The path.
        path: Datapath,
        /// How many are free.
        free: u64,
        /// How many are wanted.
        wanted: u64,
    },
}

impl Demand {
    /// Whether the node may take the pod at `now`, by the rules that admission gives kube-scheduler as
    /// node affinity.
    ///
    /// # Errors
    /// Why it may not.
    pub fn fit(&self, node: &Node, now: Timestamp) -> Result<Fit, Misfit> {
        let Self { budget, path, interfaces: wanted, require_measured } = *self;
        let offer = node.offer(path);
        let any_node = path == Datapath::Kernel && !require_measured;
        match offer.figure {
            _ if any_node => {}
            Figure::Unreadable => return Err(Misfit::Unreadable { path }),
            Figure::P99(p99_us) if p99_us > budget.us() => {
                return Err(Misfit::TooSlow { path, p99_us, budget });
            }
            Figure::None if !offer.there && path != Datapath::Kernel => {
                return Err(Misfit::NoPath { path });
            }
            Figure::None if require_measured => return Err(Misfit::NotMeasured { path }),
            Figure::P99(_) | Figure::None => {}
        }
        if let Some(free) = offer.free.filter(|free| *free < wanted) {
            return Err(Misfit::Full { path, free, wanted });
        }
        Ok(match offer.figure {
            Figure::P99(p99_us) if p99_us > budget.us() => Fit::SlowKernel { p99_us, budget },
            _ if path == Datapath::Kernel => Fit::Kernel { fast: node.is_fast() },
            _ if node.expired(now) => Fit::Expired,
            Figure::P99(p99_us) => Fit::Measured { p99_us, budget, numa: offer.numa },
            Figure::None | Figure::Unreadable => Fit::Unmeasured,
        })
    }
}

impl Fit {
    /// From 0 to [`BEST`]: measured nodes 2 and above, by the share of the budget that their p99 takes;
    /// then those without a figure, 1; last those whose report is out of date, 0. For the kernel's path
    /// nodes without a faster one are best.
    #[must_use]
    pub fn score(&self) -> u8 {
        match self {
            Self::Measured { p99_us, budget, .. } => {
                let within = |share: &&u64| {
                    u128::from(*p99_us) * 100 <= u128::from(budget.us()) * u128::from(**share)
                };
                let kept = SHARES.iter().rev().take_while(within).count();
                2 + u8::try_from(kept).unwrap_or_default()
            }
            Self::Kernel { fast: false } => BEST,
            Self::Unmeasured => 1,
            Self::Expired | Self::Kernel { fast: true } | Self::SlowKernel { .. } => 0,
        }
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measured { p99_us, budget, numa } => {
                write!(f, "its p99 is {p99_us} µs, within the budget of {budget}")?;
                numa.map_or(Ok(()), |numa| write!(f, "; device on NUMA node {numa}"))
            }
            Self::Unmeasured => f.write_str("it has the path, which was not measured"),
            Self::Expired => {
                let minutes = VALIDITY.as_secs() / 60;
                write!(f, "its report is older than {minutes} min: is its node-agent running?")
            }
            Self::Kernel { fast: false } => f.write_str("it has no fast path that others need"),
            Self::Kernel { fast: true } => f.write_str("it has fast paths, kept for others"),
            Self::SlowKernel { p99_us, budget } => {
                write!(f, "its p99 of kernel is {p99_us} µs, above the budget of {budget}")
            }
        }
    }
}

#[cfg(test)]
#[path = "fit_tests.rs"]
mod tests;
