//! The program at work, until it is told to end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use apiserver::Access;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::http::{self, Limits};
use crate::nodes::Nodes;
use crate::routes::Routes;

/// Where the nodes are known from.
pub(crate) enum Source {
    Api(Access),
    File(PathBuf),
}

/// Answers at `listen`.
pub(crate) fn run(listen: SocketAddr, source: Source) -> Result<()> {
    let nodes = Arc::new(Nodes::default());
    fill(&nodes, source)?;
    // One thread for all: a question is answered in less than a millisecond.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start an event loop")?;
    runtime.block_on(async {
        let end = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        let [terminate, interrupt] = end.map(|signal| signal.context("listen for signals"));
        let (mut terminate, mut interrupt): (Signal, Signal) = (terminate?, interrupt?);
        let listener = http::listen(listen).await?;
        log::info!("listening at {listen}");
        tokio::select! {
            () = http::serve(listener, Arc::new(Routes { nodes }), Limits::default()) => Ok(()),
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    })
}

fn fill(nodes: &Arc<Nodes>, source: Source) -> Result<()> {
    match source {
        Source::File(path) => nodes.read(&path),
        Source::Api(access) => {
            let nodes = Arc::clone(nodes);
            let watch = thread::Builder::new().name("nodes".to_owned());
            watch.spawn(move || nodes.follow(&access)).context("start watching the nodes")?;
            Ok(())
        }
    }
}
