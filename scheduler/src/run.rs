//! The program at work, until it is told to end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, ensure};
use apiserver::Access;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::admission::Settings;
use crate::admission::endpoint::{self, Endpoint};
use crate::http::{self, Limits};
use crate::nodes::Nodes;
use crate::routes::Routes;
use crate::tls::{Files, Tls};

/// Where the nodes are known from.
pub(crate) enum Source {
    Api(Access),
    File(PathBuf),
}

/// Where and how pods are admitted.
pub(crate) struct Admission {
    pub(crate) listen: SocketAddr,
    /// None on loopback only.
    pub(crate) files: Option<Files>,
    pub(crate) settings: Settings,
    /// Where networks are looked up.
    pub(crate) access: Access,
}

/// Answers kube-scheduler at `listen`, and the API server where admission listens.
pub(crate) fn run(listen: SocketAddr, source: Source, admission: Option<Admission>) -> Result<()> {
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
        let admission = match admission {
            Some(admission) => Some(admission.listen().await?),
            None => None,
        };
        tokio::select! {
            () = admit(admission) => Ok(()),
            () = http::serve(listener, None, Arc::new(Routes { nodes }), Limits::default()) => Ok(()),
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    })
}

impl Admission {
    /// Listens, and reads the certificate.
    async fn listen(self) -> Result<(TcpListener, Option<Arc<Tls>>, Endpoint)> {
        let Self { listen, files, settings, access } = self;
        ensure!(
            files.is_some() || listen.ip().is_loopback(),
            "admission at {listen} needs --tls-cert and --tls-key: it is not loopback"
        );
        let tls = files.map(Tls::read).transpose()?.map(Arc::new);
        let listener = http::listen(listen).await?;
        log::info!("admission at {listen}");
        Ok((listener, tls, Endpoint { settings, access }))
    }
}

/// Admits pods; for ever, also where there is no admission.
async fn admit(admission: Option<(TcpListener, Option<Arc<Tls>>, Endpoint)>) {
    match admission {
        Some((listener, tls, endpoint)) => {
            http::serve(listener, tls, Arc::new(endpoint), endpoint::limits()).await;
        }
        None => std::future::pending().await,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn admission_without_tls_stays_on_loopback() {
        let admission = |listen: &str| Admission {
            listen: listen.parse().unwrap(),
            files: None,
            settings: Settings::default(),
            access: Access::InCluster,
        };
        let error = admission("0.0.0.0:0").listen().await.err().unwrap().to_string();
        assert!(error.contains("--tls-cert"), "{error}");
        assert!(admission("127.0.0.1:0").listen().await.is_ok());
    }
}
