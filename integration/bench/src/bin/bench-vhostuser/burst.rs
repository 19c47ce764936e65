//! Many attachments at once.

use std::collections::BTreeSet;

use anyhow::Result;
use bench::burst::{self, Burst};
use bench::call::Verb;

use crate::bed::{Bed, kept};
use crate::contender::Contender;

/// Makes as many attachments as wanted, and takes them back, by each contender in turn; in their order.
pub(crate) fn measure(
    contenders: &[Contender],
    bed: &Bed,
    attachments: usize,
) -> Result<Vec<Burst>> {
    let mut bursts: Vec<_> = contenders.iter().map(|one| (one, Burst::default())).collect();
    burst::repeat(&mut bursts, |(contender, burst)| once(burst, contender, bed, attachments))?;
    Ok(bursts.into_iter().map(|(_, burst)| burst).collect())
}

fn once(burst: &mut Burst, contender: &Contender, bed: &Bed, wanted: usize) -> Result<()> {
    let commands =
        |verb| (0..wanted).map(|number| contender.command(verb, number, bed)).collect::<Vec<_>>();

    burst.call(Verb::Add, commands(Verb::Add), contender.conf());
    let ports = bed.ports();
    let sockets: BTreeSet<&String> = ports.values().collect();
    burst.wrong += wanted.abs_diff(ports.len()) + wanted.abs_diff(sockets.len());
    if let Some(wanted) = contender.keeps(wanted) {
        burst.wrong += kept()?.iter().map(|there| wanted.abs_diff(*there)).sum::<usize>();
    }

    burst.call(Verb::Del, commands(Verb::Del), contender.conf());
    burst.wrong += bed.plugged() + kept()?.iter().sum::<usize>();
    Ok(())
}
