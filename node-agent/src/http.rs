//! `/metrics`, `/healthz` and `/readyz`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// As many are served at once as anybody needs: a scraper, and kubelet's probes.
const AT_ONCE: usize = 16;
/// A client has so long for its request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The `OpenMetrics` text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is told.
pub(crate) trait Told: Send + Sync + 'static {
    /// The metrics' text.
    fn metrics(&self) -> String;

    /// Why the agent is not ready; nothing when it is.
    fn not_ready(&self) -> Vec<String>;
}

/// Listens.
///
/// # Errors
/// The address is taken, or none of this node.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listen at {address} for metrics"))
}

/// Serves until the future is dropped.
pub(crate) async fn serve(listener: TcpListener, told: Arc<dyn Told>) {
    let free = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        // It is never closed.
        let Ok(one) = Arc::clone(&free).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                log::warn!("accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let told = Arc::clone(&told);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer(request.method(), request.uri().path(), &*told);
            async { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                log::debug!("a client of the metrics: {error}");
            }
            drop(one);
        });
    }
}

fn answer(method: &Method, path: &str, told: &dyn Told) -> Response<Full<Bytes>> {
    let (status, kind, text) = match (method, path) {
        (&Method::GET, "/metrics") => (StatusCode::OK, OPEN_METRICS, told.metrics()),
        (&Method::GET, "/healthz") => (StatusCode::OK, "text/plain", "ok\n".to_owned()),
        (&Method::GET, "/readyz") => match told.not_ready() {
            reasons if reasons.is_empty() => (StatusCode::OK, "text/plain", "ok\n".to_owned()),
            reasons => (StatusCode::SERVICE_UNAVAILABLE, "text/plain", reasons.join("\n") + "\n"),
        },
        (&Method::GET, _) => {
            let known = "there are /metrics, /healthz and /readyz\n";
            (StatusCode::NOT_FOUND, "text/plain", known.to_owned())
        }
        _ => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static(kind);
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}
