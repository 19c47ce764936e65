//! Client of kubelet's `PodResources` service.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use http::Uri;
use http::uri::PathAndQuery;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout_at};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::error::chain;
use crate::messages::{GetRequest, GetResponse, ListRequest, ListResponse, PodResources};
use crate::{Assignment, Error, MAX_BYTES, PodDevices, PodKey, Source};

const GET: &str = "/v1.PodResourcesLister/Get";
const LIST: &str = "/v1.PodResourcesLister/List";
const LIST_V1ALPHA1: &str = "/v1alpha1.PodResourcesLister/List";

/// kubelet refuses more than 100 calls a second, which pods that start together may well make.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(20), Duration::from_millis(50), Duration::from_millis(100)];

/// The devices of `pod` by the service at `socket`.
pub(crate) fn ask(socket: &Path, pod: &PodKey, deadline: Instant) -> Result<PodDevices, Error> {
    let answer = async { Client::connect(socket).await?.devices(pod).await };
    in_time(socket, deadline, answer)
}

/// The pods that the service at `socket` lists.
pub(crate) fn list(socket: &Path, deadline: Instant) -> Result<Vec<PodKey>, Error> {
    let answer = async { Client::connect(socket).await?.list().await };
    let (pods, _) = in_time(socket, deadline, answer)?;
    let key =
        |pod: PodResources| PodKey { namespace: pod.namespace, name: pod.name, uid: String::new() };
    Ok(pods.into_iter().map(key).collect())
}

fn in_time<T>(
    socket: &Path,
    deadline: Instant,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Runtime { source })?;
    runtime.block_on(async {
        let in_time = timeout_at(deadline.into(), answer).await;
        in_time.unwrap_or_else(|_elapsed| Err(Error::Timeout { socket: socket.to_owned() }))
    })
}

struct Client<'a> {
    socket: &'a Path,
    connection: SendRequest<Body>,
}

impl<'a> Client<'a> {
    async fn connect(socket: &'a Path) -> Result<Self, Error> {
        let failed = |source| Error::Connect { socket: socket.to_owned(), source };
        let stream = UnixStream::connect(socket).await.map_err(failed)?;
        let (connection, driver) = handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(|error| failed(io::Error::other(error)))?;
        // Ends with the runtime; what goes wrong in it is the result of the call as well.
        tokio::spawn(driver);
        Ok(Self { socket, connection })
    }

    /// `Get` is the cheapest, but kubelet may lack it, have it disabled, or (1.27) not find a pod
    /// that is just starting: it says only `Unknown` then, so that `List` decides.
    async fn devices(&self, pod: &PodKey) -> Result<PodDevices, Error> {
        match self.get(pod).await {
            Err(error) if !self.connection.is_closed() => log::debug!("{}", chain(&error)),
            answered => return answered,
        }
        let (pods, source) = self.list().await?;
        devices_of(pod, pods, source)
    }

    async fn get(&self, pod: &PodKey) -> Result<PodDevices, Error> {
        let request =
            GetRequest { pod_name: pod.name.clone(), pod_namespace: pod.namespace.clone() };
        let answer: GetResponse = self.call(GET, request).await?;
        devices_of(pod, answer.pod_resources, Source::Get)
    }

    async fn list(&self) -> Result<(Vec<PodResources>, Source), Error> {
        let (answer, source): (ListResponse, _) = match self.call(LIST, ListRequest {}).await {
            Err(error) if is_unimplemented(&error) => {
                log::debug!("{}", chain(&error));
                (self.call(LIST_V1ALPHA1, ListRequest {}).await?, Source::ListV1alpha1)
            }
            answered => (answered?, Source::List),
        };
        Ok((answer.pod_resources, source))
    }

    async fn call<Q, A>(&self, method: &'static str, request: Q) -> Result<A, Error>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let send = |request| self.connection.clone().send_request(request);
        // The authority means nothing on a socket, but HTTP/2 demands one.
        let origin = Uri::from_static("http://localhost");
        let mut grpc =
            Grpc::with_origin(tower::service_fn(send), origin).max_decoding_message_size(MAX_BYTES);
        let mut pauses = PAUSES.iter();
        loop {
            let path = PathAndQuery::from_static(method);
            let codec = ProstCodec::<Q, A>::default();
            let status = match grpc.unary(Request::new(request.clone()), path, codec).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => status,
            };
            match pauses.next() {
                Some(pause) if status.code() == Code::ResourceExhausted => sleep(*pause).await,
                _ => return Err(self.refused(method, &status)),
            }
        }
    }

    fn refused(&self, method: &'static str, status: &Status) -> Error {
        // A failure of the connection is worded twice: as message and as source.
        let reason = status.source().map_or_else(|| status.message().to_owned(), chain);
        Error::Call { method, socket: self.socket.to_owned(), code: status.code(), reason }
    }
}

fn is_unimplemented(error: &Error) -> bool {
    matches!(error, Error::Call { code: Code::Unimplemented, .. })
}

/// The one of `pods` that is `pod`. The service names no UIDs.
pub(crate) fn devices_of(
    pod: &PodKey,
    pods: impl IntoIterator<Item = PodResources>,
    source: Source,
) -> Result<PodDevices, Error> {
    let is_meant =
        |other: &PodResources| other.name == pod.name && other.namespace == pod.namespace;
    let mut meant: Vec<PodResources> = pods.into_iter().filter(is_meant).collect();
    match (meant.pop(), meant.len()) {
        (Some(only), 0) => Ok(PodDevices::new(source, assignments(only))),
        (Some(_), others) => Err(Error::AmbiguousPod { pod: pod.clone(), count: others + 1 }),
        (None, _) => Err(Error::UnknownPod { pod: pod.clone() }),
    }
}

fn assignments(pod: PodResources) -> impl Iterator<Item = Assignment> {
    pod.containers.into_iter().flat_map(|container| {
        container.devices.into_iter().map(move |devices| Assignment {
            container: container.name.clone(),
            resource: devices.resource_name,
            ids: devices.device_ids,
        })
    })
}
