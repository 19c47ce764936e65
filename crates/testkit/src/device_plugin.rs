//! A kubelet device plugin (v1beta1) for tests: devices that are nothing but ids.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use deviceplugin::messages::{Allocated, Choice, Device, Mount};
use deviceplugin::{Plugin, Refusal, Resource, State};
use tokio::sync::{oneshot, watch};

pub use deviceplugin::KUBELET_DIR;

/// A running device plugin; ends on drop, which removes its socket.
#[derive(Debug)]
pub struct DevicePlugin {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<State>>,
}

impl DevicePlugin {
    /// Offers `ids`, all healthy, as devices of `resource` to the kubelet of `kubelet_dir`
    /// ([`KUBELET_DIR`] unless it was told otherwise).
    ///
    /// Registers when kubelet listens, so a test waits for the node's capacity. A kubelet that is started
    /// again finds it again. A container gets the first free ones of `ids`, several of them in whatever
    /// order kubelet likes, and finds them in its variable `PCIDEVICE_<RESOURCE>`, separated by commas in
    /// that order.
    ///
    /// # Panics
    /// On drop, when kubelet refuses the plugin.
    #[must_use = "it ends when it is dropped"]
    pub fn serve(resource: &str, ids: &[&str], kubelet_dir: &Path) -> Self {
        Self::start(resource, ids, kubelet_dir, None)
    }

    /// The same with slots: a container finds the directory `<slots>/<id>/pod` of each device that it
    /// gets at the same path.
    ///
    /// # Panics
    /// As [`DevicePlugin::serve`].
    #[must_use = "it ends when it is dropped"]
    pub fn serve_slots(resource: &str, ids: &[&str], kubelet_dir: &Path, slots: &Path) -> Self {
        Self::start(resource, ids, kubelet_dir, Some(slots.to_owned()))
    }

    fn start(resource: &str, ids: &[&str], kubelet_dir: &Path, slots: Option<PathBuf>) -> Self {
        let devices = ids.iter().map(|id| Device::new(id, true, None)).collect();
        let ids =
            Ids { resource: resource.to_owned(), devices: watch::Sender::new(devices), slots };
        let plugin = Plugin::new(Arc::new(ids), kubelet_dir);
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let state = watch::Sender::new(State::Waiting);
            let seen = state.subscribe();
            runtime.block_on(async {
                tokio::select! {
                    () = plugin.run(state) => {}
                    // Also when the sender was dropped.
                    _ = stopped => {}
                }
            });
            seen.borrow().clone()
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for DevicePlugin {
    fn drop(&mut self) {
        drop(self.stop.take());
        match self.thread.take().map(JoinHandle::join) {
            _ if thread::panicking() => {}
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            Some(Ok(State::Refused(why))) => panic!("{why}"),
            _ => {}
        }
    }
}

struct Ids {
    resource: String,
    devices: watch::Sender<Vec<Device>>,
    slots: Option<PathBuf>,
}

impl Resource for Ids {
    fn name(&self) -> &str {
        &self.resource
    }

    fn devices(&self) -> watch::Receiver<Vec<Device>> {
        self.devices.subscribe()
    }

    fn prefer(&self, choice: Choice) -> Vec<String> {
        let mut ids = choice.must_include;
        for Device { id, .. } in &*self.devices.borrow() {
            let wanted = ids.len() < usize::try_from(choice.size).unwrap();
            if wanted && choice.available.contains(id) && !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        ids
    }

    fn allocate(&self, ids: &[String]) -> Result<Allocated, Refusal> {
        let resource = self.resource.to_ascii_uppercase();
        let variable =
            format!("PCIDEVICE_{}", resource.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
        Ok(Allocated {
            envs: [(variable, ids.join(","))].into(),
            mounts: ids.iter().filter_map(|id| self.mount(id)).collect(),
            ..Allocated::default()
        })
    }
}

impl Ids {
    fn mount(&self, id: &str) -> Option<Mount> {
        let path = self.slots.as_ref()?.join(id).join("pod").display().to_string();
        Some(Mount { container_path: path.clone(), host_path: path, read_only: false })
    }
}
