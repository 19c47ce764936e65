//! Nodes as the API server tells of them: all of them once, then each that changes. Metadata only, and of
//! that what placing a pod needs.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use apiserver::{Access, ApiServer, Inquiry, Question, is_token};
use policy::NodeObject;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Nodes, Table, entry};

const CLIENT: &str = concat!("latency-scheduler/", env!("CARGO_PKG_VERSION"));
const RIGHTS: &str = "whom the token is of needs to list and watch nodes";

/// Nodes in one answer: a few KiB each while it is read.
const PAGE: usize = 250;
/// How long a list may take.
const LIST: Duration = Duration::from_mins(2);
/// After so long the server ends a watch, and a new one goes on where it ended. A connection that died
/// unnoticed costs no more.
const WATCH: Duration = Duration::from_mins(5);
/// Within which the server's own end of a watch is waited for.
const GRACE: Duration = Duration::from_secs(10);
/// After the first failure; then twice as long, and so on.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Between two attempts that fail, at most.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// A line of a watch.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Added,
    Modified,
    Deleted,
    /// Nothing happened up to here.
    Bookmark,
    /// The watch is of no more use; the object is a Status.
    Error,
}

impl Nodes {
    /// Keeps the table as the API server tells, for ever: on a thread of its own.
    pub(crate) fn follow(&self, access: &Access) {
        let mut retry = FIRST_RETRY;
        loop {
            if let Err(error) = self.list(access).and_then(|version| {
                log::info!("all nodes are known; watching");
                retry = FIRST_RETRY;
                self.watch(access, version)
            }) {
                log::warn!("{error:#}; all nodes are asked for again in {} s", retry.as_secs());
            }
            thread::sleep(retry);
            retry = LONGEST_RETRY.min(retry * 2);
        }
    }

    /// Asks for all nodes; returns from where to watch.
    fn list(&self, access: &Access) -> Result<String> {
        let server = ApiServer::connect(access, CLIENT, Instant::now() + LIST)?;
        let mut table = Table::default();
        let version = server.list(
            &inquiry("list the nodes"),
            &format!("/api/v1/nodes?limit={PAGE}"),
            |path| Question::ListMetadata { path },
            |object| {
                let (name, node) = entry(object);
                table.insert(name, node);
            },
        )?;
        self.replace(table);
        Ok(version)
    }

    /// Follows the changes behind `version` until that fails.
    fn watch(&self, access: &Access, mut version: String) -> Result<()> {
        loop {
            ensure!(is_token(&version), "the version {version:?} is of no known kind");
            let server = ApiServer::connect(access, CLIENT, Instant::now() + WATCH + GRACE)?;
            let path = format!(
                "/api/v1/nodes?watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
                WATCH.as_secs(),
                version
            );
            let (began, mut trouble) = (Instant::now(), None);
            server.follow(
                &inquiry("watch the nodes"),
                &Question::WatchMetadata { path },
                |line| {
                    match self.take(line) {
                        Ok(latest) => version = latest,
                        Err(error) => trouble = Some(error),
                    }
                    if trouble.is_some() {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                },
            )?;
            match trouble {
                Some(error) => return Err(error),
                // A server that hangs up at once is not asked again at once.
                None if began.elapsed() < FIRST_RETRY => thread::sleep(FIRST_RETRY),
                None => {}
            }
        }
    }

    /// Takes a line of a watch; returns the version that it is of.
    fn take(&self, line: &[u8]) -> Result<String> {
        let event: Event = serde_json::from_slice(line).context("a line of the watch")?;
        if matches!(event.kind, Kind::Error) {
            let Status { message } = serde_json::from_str(event.object.get())?;
            bail!("the watch of nodes ended: {message:?}");
        }
        let object: NodeObject =
            serde_json::from_str(event.object.get()).context("a node of the watch")?;
        let version = object.metadata.resource_version.clone();
        match event.kind {
            Kind::Added | Kind::Modified => {
                let (name, node) = entry(object);
                self.change(|table| table.insert(name, node));
            }
            Kind::Deleted => self.change(|table| table.swap_remove(&*object.metadata.name)),
            Kind::Bookmark | Kind::Error => {}
        }
        Ok(version)
    }
}

/// Why a watch ended.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
}

fn inquiry(operation: &str) -> Inquiry<'static> {
    Inquiry { operation: operation.to_owned(), name: "nodes", rights: RIGHTS }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
