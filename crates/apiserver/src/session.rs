//! Asking the API server: as whom, how often, and until when.

use std::mem::replace;
use std::ops::ControlFlow;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, StatusCode};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::access::Endpoint;
use crate::connection::{Answer, Connection, Trouble};
use crate::credential::Credential;

const MERGE_PATCH: &str = "application/merge-patch+json";
/// The only name that there is for it; JSON is YAML, too.
const APPLY_PATCH: &str = "application/apply-patch+yaml";
const JSON: &str = "application/json";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// Everything that is asked of one server, in a certain time altogether.
pub(crate) struct Session {
    connection: Connection,
    credential: Credential,
    client: &'static str,
    host: String,
    path_prefix: String,
    left: Duration,
}

/// Something to ask, as often as it takes.
#[derive(Debug)]
pub enum Question {
    /// An object.
    Get {
        /// Its path, with a query where it takes one.
        path: String,
    },
    /// The metadata of the objects of a list, and nothing else of them.
    ListMetadata {
        /// The list's path, with a query.
        path: String,
    },
    /// The same of a watch.
    WatchMetadata {
        /// The list's path, with a query in which there is `watch=true`.
        path: String,
    },
    /// A change of an object, as a merge patch (RFC 7386).
    Patch {
        /// Its path.
        path: String,
        /// The patch, JSON.
        body: String,
    },
    /// What `manager` wants of an object, by server-side apply: the server takes away what it wanted
    /// before and does not now, and gives it what another manager owns. An object that does not exist
    /// is created where the rights allow it, unless the body names a uid.
    Apply {
        /// Its path.
        path: String,
        /// Who wants it; no characters that a query would have to escape.
        manager: &'static str,
        /// `apiVersion`, `kind`, `metadata.name` and the fields that are wanted, JSON.
        body: String,
    },
}

/// What was already asked a second time; more often helps nobody.
#[derive(Default)]
struct AskedAgain {
    lost: bool,
    token: bool,
    conflict: bool,
}

impl Session {
    /// A session whose questions may take `time` altogether; nothing is sent yet.
    pub(crate) fn new(endpoint: Endpoint, client: &'static str, time: Duration) -> Self {
        let Endpoint { url, tls, server_name, credential } = endpoint;
        let path_prefix = url.path().trim_end_matches('/').to_owned();
        let host = match (url.host(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let connection = Connection::new(url, tls, server_name);
        Self { connection, credential, client, host, path_prefix, left: time }
    }

    /// As whom we ask.
    pub(crate) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Asks until there is an answer or the time is used up.
    pub(crate) async fn ask(&mut self, question: &Question) -> Result<Answer, Trouble> {
        let start = Instant::now();
        let deadline = start + self.left;
        let outcome = timeout_at(deadline, self.ask_until(deadline, question)).await;
        self.left = self.left.saturating_sub(start.elapsed());
        outcome.unwrap_or_else(|_elapsed| Err(Trouble::Late(self.connection.doing())))
    }

    /// Asks once, and gives each line of the answer to `line` as it comes; returns at the answer's end, when
    /// `line` says that it is enough, or with an answer that is a refusal.
    pub(crate) async fn follow(
        &mut self,
        question: &Question,
        line: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<Option<Answer>, Trouble> {
        let left = self.left;
        let followed = async {
            let request = self.request(question)?;
            self.connection.follow(request, line).await
        };
        let outcome = timeout(left, followed).await;
        outcome.unwrap_or_else(|_elapsed| Err(Trouble::Late(self.connection.doing())))
    }

    /// Asks, and again where that is worth it: every question here may be asked twice without harm.
    async fn ask_until(
        &mut self,
        deadline: Instant,
        question: &Question,
    ) -> Result<Answer, Trouble> {
        let mut again = AskedAgain::default();
        loop {
            let request = self.request(question)?;
            match self.connection.exchange(request).await {
                // The server may have closed the connection while it was idle.
                Err(Trouble::Lost(_)) if !replace(&mut again.lost, true) => {}
                // The token may have been rotated since it was read.
                Ok(Answer { status: StatusCode::UNAUTHORIZED, .. })
                    if !replace(&mut again.token, true) && self.credential.renew() => {}
                Ok(Answer { status: StatusCode::CONFLICT, .. })
                    if !replace(&mut again.conflict, true) => {}
                Ok(answer) if let Some(wait) = invited_wait(&answer, deadline) => sleep(wait).await,
                outcome => return outcome,
            }
        }
    }

    fn request(&self, question: &Question) -> Result<Request<String>, Trouble> {
        let path = match question {
            Question::Get { path }
            | Question::ListMetadata { path }
            | Question::WatchMetadata { path }
            | Question::Patch { path, .. } => path.clone(),
            Question::Apply { path, manager, .. } => {
                format!("{path}?fieldManager={manager}&force=true")
            }
        };
        let (method, body) = match question {
            Question::Get { .. }
            | Question::ListMetadata { .. }
            | Question::WatchMetadata { .. } => (Method::GET, None),
            Question::Patch { body, .. } => (Method::PATCH, Some((MERGE_PATCH, body))),
            Question::Apply { body, .. } => (Method::PATCH, Some((APPLY_PATCH, body))),
        };
        let accept = match question {
            Question::ListMetadata { .. } => METADATA_LIST,
            Question::WatchMetadata { .. } => METADATA,
            _ => JSON,
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.path_prefix))
            .header(HOST, &self.host)
            .header(USER_AGENT, self.client)
            .header(ACCEPT, accept);
        if let Some(authorization) = self.credential.header() {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some((content_type, _)) = body {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let body = body.map(|(_, text)| text.clone()).unwrap_or_default();
        request.body(body).map_err(|error| Trouble::Connect(error.into()))
    }
}

/// How long the server asks us to wait before we try again, if that is before the deadline.
fn invited_wait(answer: &Answer, deadline: Instant) -> Option<Duration> {
    let overloaded =
        matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let wait = answer.retry_after.filter(|_| overloaded)?.max(Duration::from_millis(100));
    (Instant::now() + wait < deadline).then_some(wait)
}
