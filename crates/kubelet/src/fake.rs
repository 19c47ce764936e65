//! A kubelet for tests: a real socket in a temporary directory, answers as the test says.

use std::fs;
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::thread;

use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::messages::{GetRequest, ListResponse, PodResources};
use crate::{Paths, PodKey};

/// What a call is answered with; an answer to `Get` is, on the wire, a list of one.
pub(crate) type Answer = Result<Vec<PodResources>, Status>;

/// A call as it came: the path of the method, and the pod that `Get` names.
pub(crate) type Call = (String, GetRequest);

type Handler = Arc<dyn Fn(Call) -> Answer + Send + Sync>;

pub(crate) struct Fake {
    dir: TempDir,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Fake {
    /// No socket, no checkpoint.
    pub(crate) fn absent() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), calls: Arc::default() }
    }

    /// Answers gRPC calls by their path.
    pub(crate) fn answering(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let fake = Self::absent();
        let calls = fake.calls.clone();
        let answer: Handler = Arc::new(move |call: Call| {
            let answer = answer(&call.0);
            calls.lock().unwrap().push(call);
            answer
        });
        let listener = fake.listen();
        thread::spawn(move || serve(listener, &answer));
        fake
    }

    /// Does with each connection what the test says; it is closed when `handle` returns.
    pub(crate) fn raw(handle: impl Fn(&mut UnixStream) + Send + 'static) -> Self {
        let fake = Self::absent();
        let listener = fake.listen();
        thread::spawn(move || listener.incoming().for_each(|stream| handle(&mut stream.unwrap())));
        fake
    }

    /// With a checkpoint as well.
    pub(crate) fn with_checkpoint(self, bytes: &[u8]) -> Self {
        fs::File::create(self.paths().checkpoint).unwrap().write_all(bytes).unwrap();
        self
    }

    pub(crate) fn paths(&self) -> Paths {
        Paths {
            pod_resources: self.dir.path().join("kubelet.sock"),
            checkpoint: self.dir.path().join("checkpoint"),
        }
    }

    /// The methods called so far.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|(method, _)| method.clone()).collect()
    }

    /// The pods that were asked for so far.
    pub(crate) fn requests(&self) -> Vec<PodKey> {
        let calls = self.calls.lock().unwrap();
        let pod = |GetRequest { pod_name, pod_namespace }| PodKey {
            namespace: pod_namespace,
            name: pod_name,
            uid: String::new(),
        };
        calls.iter().map(|(_, request)| pod(request.clone())).collect()
    }

    fn listen(&self) -> UnixListener {
        UnixListener::bind(self.paths().pod_resources).unwrap()
    }
}

/// Serves until the test's process ends.
fn serve(listener: UnixListener, answer: &Handler) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::UnixListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            let service = service_fn(move |request| respond(request, answer.clone()));
            let server = Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
}

async fn respond(
    request: http::Request<hyper::body::Incoming>,
    answer: Handler,
) -> Result<http::Response<tonic::body::Body>, Status> {
    let method = request.uri().path().to_owned();
    let service = tower::service_fn(move |request: Request<GetRequest>| {
        let answer = answer((method.clone(), request.into_inner()));
        async { Ok(Response::new(ListResponse { pod_resources: answer? })) }
    });
    let codec = ProstCodec::<ListResponse, GetRequest>::default();
    Ok(tonic::server::Grpc::new(codec).unary(service, request).await)
}
