//! One resource: what kubelet asks of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{Notify, watch};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::messages::{
    AllocateResponse, Allocated, Choice, Device, DeviceList, Empty, Ids, IdsPerContainer, Options,
    PreferredRequest,
};
use crate::registration::{Registration, State};
use crate::rpc::{HttpRequest, HttpResponse, unary};

/// What a plugin offers; called by [`Plugin`].
pub trait Resource: Send + Sync + 'static {
    /// `domain/name`.
    fn name(&self) -> &str;

    /// All devices, as they are now and later.
    fn devices(&self) -> watch::Receiver<Vec<Device>>;

    /// The devices that a container had best get.
    fn prefer(&self, choice: Choice) -> Vec<String>;

    /// What a container with these devices gets.
    ///
    /// # Errors
    /// It cannot have them; the pod's event says why.
    fn allocate(&self, ids: &[String]) -> Result<Allocated, Refusal>;
}

/// Why a container cannot have its devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

/// What kubelet is told at registration.
pub(crate) const OPTIONS: Options =
    Options { pre_start_required: false, get_preferred_allocation_available: true };

/// A resource that is offered to the kubelet of this node.
pub struct Plugin {
    resource: Arc<dyn Resource>,
    /// kubelet's directory of plugins.
    dir: PathBuf,
    /// kubelet has closed the stream of devices.
    closed: Arc<Notify>,
}

impl Plugin {
    /// Offers `resource` to the kubelet that listens in `dir` ([`crate::KUBELET_DIR`]).
    #[must_use]
    pub fn new(resource: Arc<dyn Resource>, dir: &Path) -> Self {
        Self { resource, dir: dir.to_owned(), closed: Arc::default() }
    }

    /// Serves until the future is dropped, which removes the socket: listens, registers with every
    /// kubelet that comes up, within a second, and again when kubelet closes the stream of devices.
    pub async fn run(self, state: watch::Sender<State>) {
        let closed = Arc::clone(&self.closed);
        let (name, dir) = (self.resource.name().to_owned(), self.dir.clone());
        let plugin = Arc::new(self);
        let respond = move |request| Arc::clone(&plugin).respond(request);
        Registration::new(name, dir, closed, state).keep(respond).await;
    }

    async fn respond(self: Arc<Self>, request: HttpRequest) -> HttpResponse {
        match request.uri().path() {
            "/v1beta1.DevicePlugin/GetDevicePluginOptions" => {
                unary(request, |Empty {}| Ok(OPTIONS)).await
            }
            "/v1beta1.DevicePlugin/ListAndWatch" => self.list_and_watch(request).await,
            "/v1beta1.DevicePlugin/GetPreferredAllocation" => {
                unary(request, |request| Ok(self.preferred(request))).await
            }
            "/v1beta1.DevicePlugin/Allocate" => {
                unary(request, |request| self.allocate(&request)).await
            }
            "/v1beta1.DevicePlugin/PreStartContainer" => {
                unary(request, |_: Ids| Ok(Empty {})).await
            }
            other => Status::unimplemented(other).into_http(),
        }
    }

    async fn list_and_watch(&self, request: HttpRequest) -> HttpResponse {
        let devices = self.resource.devices();
        let closed = Arc::clone(&self.closed);
        let service = tower::service_fn(move |_: Request<Empty>| {
            let updates = updates(devices.clone(), Closed(Arc::clone(&closed)));
            std::future::ready(Ok::<_, Status>(Response::new(updates)))
        });
        let codec = ProstCodec::<DeviceList, Empty>::default();
        tonic::server::Grpc::new(codec).server_streaming(service, request).await
    }

    fn preferred(&self, request: PreferredRequest) -> IdsPerContainer {
        let containers = request.containers.into_iter();
        let chosen = containers.map(|choice| Ids { ids: self.resource.prefer(choice) });
        IdsPerContainer { containers: chosen.collect() }
    }

    fn allocate(&self, request: &IdsPerContainer) -> Result<AllocateResponse, Status> {
        let allocate = |container: &Ids| {
            self.resource.allocate(&container.ids).map_err(|Refusal(why)| {
                log::warn!(
                    "{}: refused to allocate {:?}: {why}",
                    self.resource.name(),
                    container.ids
                );
                Status::failed_precondition(why)
            })
        };
        let containers = request.containers.iter().map(allocate).collect::<Result<_, _>>()?;
        Ok(AllocateResponse { containers })
    }
}

/// Tells when kubelet has closed the stream.
struct Closed(Arc<Notify>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// The list at first and after each change; to a reader that is slow only the latest.
fn updates(
    devices: watch::Receiver<Vec<Device>>,
    closed: Closed,
) -> impl Stream<Item = Result<DeviceList, Status>> + Send + 'static {
    let first = stream::once(std::future::ready(()));
    let changes = stream::unfold(devices.clone(), |mut devices| async move {
        // The sender lives as long as the plugin.
        devices.changed().await.ok().map(|()| ((), devices))
    });
    first.chain(changes).map(move |()| {
        let _open = &closed;
        Ok(DeviceList { devices: devices.borrow().clone() })
    })
}
