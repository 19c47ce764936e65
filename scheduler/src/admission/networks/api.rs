//! The API server as the place where networks are looked up.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use apiserver::{Access, ApiServer, Error, Inquiry, Question};
use policy::Datapath;
use serde::Deserialize;
use serde_json::Value;

use super::{LABEL, Network, Networks};
use crate::admission::Refusal;

const CLIENT: &str = concat!("latency-scheduler/", env!("CARGO_PKG_VERSION"));
const RIGHTS: &str = "the account may need the ClusterRole of deploy/latency-scheduler: get and list network-attachment-definitions";

/// All questions about one pod together may take so long. The API server waits 10 s for the whole answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The networks as the API server has them. For one pod: what it is asked shares one connection, which is
/// made with the first question, and one deadline.
pub struct Api<'a> {
    access: &'a Access,
    server: OnceLock<ApiServer>,
}

#[derive(Deserialize)]
struct List {
    items: Vec<Value>,
}

impl<'a> Api<'a> {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(access: &'a Access) -> Self {
        Self { access, server: OnceLock::new() }
    }

    fn server(&self) -> Result<&ApiServer, Error> {
        if let Some(server) = self.server.get() {
            return Ok(server);
        }
        let server = ApiServer::connect(self.access, CLIENT, Instant::now() + PATIENCE)?;
        Ok(self.server.get_or_init(|| server))
    }

    fn get(&self, inquiry: &Inquiry, path: String) -> Result<Value, Error> {
        let server = self.server()?;
        let answer = server.ask(inquiry, &Question::Get { path })?;
        let read = serde_json::from_slice(&answer.body);
        read.map_err(|error| server.failed(inquiry, &format!("the answer is no JSON: {error}")))
    }
}

impl Networks for Api<'_> {
    fn named(&self, namespace: &str, name: &str) -> Result<Network, Refusal> {
        let full_name = format!("{namespace}/{name}");
        let inquiry = Inquiry {
            operation: format!("get network-attachment-definition {full_name}"),
            name,
            rights: RIGHTS,
        };
        match self.get(&inquiry, format!("{}/{name}", collection(namespace))) {
            Ok(object) => Network::from_json(&object),
            Err(Error::Missing { .. }) => Err(Refusal::Missing(full_name)),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn labelled(&self, namespace: &str, path: Datapath) -> Result<Vec<Network>, Refusal> {
        let inquiry = Inquiry {
            operation: format!("list network-attachment-definitions of {namespace}"),
            name: "",
            rights: RIGHTS,
        };
        // `/` and `=` as a query has them; the names of paths need no escape.
        let selector = format!("{}%3D{path}", LABEL.replace('/', "%2F"));
        let list = format!("{}?labelSelector={selector}", collection(namespace));
        let list = self.get(&inquiry, list).map_err(|error| unavailable(&error))?;
        let List { items } = List::deserialize(list)
            .map_err(|error| Refusal::Unavailable(format!("{}: {error}", inquiry.operation)))?;
        items.iter().map(Network::from_json).collect()
    }
}

fn collection(namespace: &str) -> String {
    format!("/apis/k8s.cni.cncf.io/v1/namespaces/{namespace}/network-attachment-definitions")
}

fn unavailable(error: &Error) -> Refusal {
    Refusal::Unavailable(cni::chain(error))
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
