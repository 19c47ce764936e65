//! One connection to the API server: opened when first needed, kept for all that is asked.

use std::ops::ControlFlow;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tower::{BoxError, ServiceExt};

/// The longest answer that is read. etcd holds 1.5 MiB of an object; as JSON it is somewhat more.
const LONGEST_ANSWER: usize = 8 << 20;

/// The connection. It is no pool, which would open a second one while it waits for the first.
pub(crate) struct Connection {
    url: Uri,
    tls: ClientConfig,
    server_name: Option<String>,
    sender: Option<SendRequest<String>>,
    doing: &'static str,
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// `Retry-After`, if it is given in seconds, as the API server does.
    pub(crate) retry_after: Option<Duration>,
    /// All that follows the head.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No connection: unknown host, refused, a certificate that is not trusted.
    Connect(BoxError),
    /// The connection broke before the answer was complete.
    Lost(BoxError),
    /// The answer is longer than anything that was asked for.
    TooLong,
    /// The deadline passed during what is named.
    Late(&'static str),
}

impl Connection {
    /// A connection to `url`, whose certificate may have another name; nothing is sent yet.
    pub(crate) fn new(url: Uri, tls: ClientConfig, server_name: Option<String>) -> Self {
        Self { url, tls, server_name, sender: None, doing: "connecting" }
    }

    /// What it does at the moment, for the text of a missed deadline.
    pub(crate) fn doing(&self) -> &'static str {
        self.doing
    }

    /// Sends a request and reads the answer to its end. The connection is kept only after that:
    /// a future dropped half-way leaves none that would hold the rest of an old answer.
    pub(crate) async fn exchange(&mut self, request: Request<String>) -> Result<Answer, Trouble> {
        let (sender, response) = self.send(request).await?;
        let answer = read(response).await?;
        self.sender = Some(sender);
        Ok(answer)
    }

    /// Sends a request, and gives each line of the answer to `line` as it comes, until the answer or `line`
    /// ends it. An answer that is a refusal is returned.
    pub(crate) async fn follow(
        &mut self,
        request: Request<String>,
        line: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<Option<Answer>, Trouble> {
        let (_sender, response) = self.send(request).await?;
        if !response.status().is_success() {
            return read(response).await.map(Some);
        }
        self.doing = "waiting for news";
        let mut lines = Lines::default();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame.map_err(lost)?.into_data() else { continue };
            if lines.take(&bytes, line)?.is_break() {
                break;
            }
        }
        Ok(None)
    }

    async fn send(
        &mut self,
        request: Request<String>,
    ) -> Result<(SendRequest<String>, http::Response<Incoming>), Trouble> {
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => self.open().await?,
        };
        self.doing = "waiting for the answer";
        sender.ready().await.map_err(lost)?;
        let response = sender.send_request(request).await.map_err(lost)?;
        Ok((sender, response))
    }

    async fn open(&mut self) -> Result<SendRequest<String>, Trouble> {
        self.doing = "connecting";
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let mut builder =
            HttpsConnectorBuilder::new().with_tls_config(self.tls.clone()).https_or_http();
        if let Some(name) = self.server_name.clone() {
            let name = ServerName::try_from(name).map_err(refused)?;
            builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
        }
        let connector = builder.enable_http1().wrap_connector(tcp);
        let stream = connector.oneshot(self.url.clone()).await.map_err(refused)?;
        let (sender, connection) = http1::handshake(stream).await.map_err(lost)?;
        // Its failure is also that of the request it carries.
        tokio::spawn(async move { connection.await.ok() });
        Ok(sender)
    }
}

/// Lines out of pieces. The last, without an end, was cut off and is no line.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    fn take(
        &mut self,
        mut bytes: &[u8],
        line: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Trouble> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(&bytes[..end]);
            if line(&self.begun).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.begun.clear();
            bytes = &bytes[end + 1..];
        }
        self.begun.extend_from_slice(bytes);
        if self.begun.len() > LONGEST_ANSWER {
            return Err(Trouble::TooLong);
        }
        Ok(ControlFlow::Continue(()))
    }
}

async fn read(response: http::Response<Incoming>) -> Result<Answer, Trouble> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { Trouble::TooLong } else { Trouble::Lost(error) }
    })?;
    let retry_after = retry_after(&head.headers);
    Ok(Answer { status: head.status, retry_after, body: body.to_bytes() })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn refused(error: impl Into<BoxError>) -> Trouble {
    Trouble::Connect(error.into())
}

fn lost(error: hyper::Error) -> Trouble {
    Trouble::Lost(error.into())
}
