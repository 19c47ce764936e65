//! The program at work, until it is told to end.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, ensure};
use apiserver::Access;
use policy::Table;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::admission::endpoint::{self, Endpoint};
use crate::http::{self, Answers, Limits};
use crate::metrics::Metrics;
use crate::nodes::Nodes;
use crate::reloaded::Reloaded;
use crate::routes::{Health, Routes};
use crate::tls::{Files, Tls};

/// What runs where.
pub(crate) struct Run {
    /// The extender; off loopback with TLS and certificates of clients.
    pub(crate) extender: Place,
    /// Metrics and probes.
    pub(crate) health: SocketAddr,
    /// Where the nodes are known from.
    pub(crate) nodes: Source,
    /// Where and how pods are admitted, if at all.
    pub(crate) admission: Option<Admission>,
}

/// Where to listen, and with which certificate.
pub(crate) struct Place {
    pub(crate) listen: SocketAddr,
    pub(crate) files: Option<Files>,
}

/// Where the nodes are known from.
pub(crate) enum Source {
    Api(Access),
    File(PathBuf),
}

/// How pods are admitted.
pub(crate) struct Admission {
    /// Off loopback with TLS.
    pub(crate) place: Place,
    /// The table of bands; the default one without it.
    pub(crate) bands: Option<PathBuf>,
    pub(crate) shared_namespace: Option<String>,
    /// Where networks are looked up.
    pub(crate) access: Access,
}

impl Run {
    /// Answers kube-scheduler, probes, and the API server where admission listens.
    pub(crate) fn run(self) -> Result<()> {
        // One thread for all: a question is answered in less than a millisecond.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start an event loop")?;
        runtime.block_on(async {
            let end = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
            let [terminate, interrupt] = end.map(|signal| signal.context("listen for signals"));
            let (mut terminate, mut interrupt): (Signal, Signal) = (terminate?, interrupt?);
            let served = self.serve().await?;
            tokio::select! {
                () = served => Ok(()),
                _ = terminate.recv() => Ok(()),
                _ = interrupt.recv() => Ok(()),
            }
        })
    }

    /// Listens everywhere; what it returns serves until it is dropped.
    async fn serve(self) -> Result<impl Future<Output = ()>> {
        let (nodes, metrics) = (Arc::new(Nodes::default()), Arc::new(Metrics::new()));
        let extender = self.extender.listen("the extender", true).await?;
        let health = Place { listen: self.health, files: None }.plain().await?;
        let admission = match self.admission {
            Some(admission) => Some(admission.listen(&metrics).await?),
            None => None,
        };
        fill(&nodes, self.nodes)?;
        let routes = Routes { nodes: Arc::clone(&nodes), metrics: Arc::clone(&metrics) };
        let health = health.serve(Health { nodes, metrics }, Limits::default());
        let extender = extender.serve(routes, Limits::default());
        Ok(async {
            tokio::join!(extender, health, async {
                if let Some((listening, endpoint)) = admission {
                    listening.serve(endpoint, endpoint::limits()).await;
                }
            });
        })
    }
}

/// Where it listens.
struct Listening {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
}

impl Listening {
    async fn serve(self, answers: impl Answers, limits: Limits) {
        http::serve(self.listener, self.tls, Arc::new(answers), limits).await;
    }
}

impl Place {
    /// Listens, with TLS if there are files; off loopback there have to be.
    async fn listen(self, who: &str, wants_clients: bool) -> Result<Listening> {
        let Self { listen, files } = &self;
        let enough = match files {
            Some(files) => !wants_clients || files.clients.is_some(),
            None => false,
        };
        let options = if wants_clients {
            "--tls-cert, --tls-key and --client-ca"
        } else {
            "--tls-cert and --tls-key"
        };
        ensure!(
            enough || listen.ip().is_loopback(),
            "{who} at {listen} needs {options}: it is not loopback"
        );
        log::info!("{who} at {listen}");
        self.plain().await
    }

    async fn plain(self) -> Result<Listening> {
        let tls = self.files.map(Files::tls).transpose()?.map(Arc::new);
        Ok(Listening { listener: http::listen(self.listen).await?, tls })
    }
}

impl Admission {
    async fn listen(self, metrics: &Arc<Metrics>) -> Result<(Listening, Endpoint)> {
        let Self { place, bands, shared_namespace, access } = self;
        let listening = place.listen("admission", false).await?;
        let table = table(bands)?;
        let metrics = Arc::clone(metrics);
        Ok((listening, Endpoint { table, shared_namespace, access, metrics }))
    }
}

/// The table of bands as it stands in the file; else the default one.
pub(crate) fn table(file: Option<PathBuf>) -> Result<Reloaded<Arc<Table>>> {
    let read = |file: &Path| -> Result<Arc<Table>> {
        let name = || file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(name)?;
        Ok(Arc::new(Table::from_yaml(&text).with_context(name)?))
    };
    match file {
        None => Reloaded::new(Vec::new(), || Ok(Arc::default())),
        Some(file) => Reloaded::new(vec![file.clone()], move || read(&file)),
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

    fn place(listen: &str) -> Place {
        Place { listen: listen.parse().unwrap(), files: None }
    }

    #[tokio::test]
    async fn without_tls_it_stays_on_loopback() {
        for (wants_clients, wanted) in [(false, "--tls-cert"), (true, "--client-ca")] {
            let refused = place("0.0.0.0:0").listen("admission", wants_clients).await;
            let error = refused.err().unwrap().to_string();
            assert!(error.contains(wanted), "{error}");
            assert!(place("127.0.0.1:0").listen("admission", wants_clients).await.is_ok());
        }
    }

    #[test]
    fn bands_come_from_their_file_and_change_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bands.yaml");
        std::fs::write(&file, "bands: [{path: kernel, from: 1us}]").unwrap();
        let table = table(Some(file.clone())).unwrap();
        assert_eq!(table.get().bands.iter().count(), 1);
        std::fs::write(&file, "{}").unwrap();
        assert_eq!(*table.get(), Table::default());
        let error = super::table(Some(dir.path().join("none"))).err().unwrap();
        assert!(format!("{error:#}").contains("none"), "{error:#}");
    }
}
