//! Being there for kubelet: a socket in its directory, and a registration with each kubelet that comes up.

use std::error::Error as _;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use inotify::{EventMask, EventStream, Inotify, WatchMask};
use tokio::net::UnixListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tonic::Status;

use crate::messages::{Empty, RegisterRequest};
use crate::plugin::OPTIONS;
use crate::rpc::{self, HttpRequest, HttpResponse};

/// Longest that kubelet may take to accept the plugin.
const ANSWER: Duration = Duration::from_secs(10);

/// How soon it is tried again with a kubelet that does not listen.
const RETRY: Duration = Duration::from_millis(500);

/// How soon it is tried again with a kubelet that has refused or dropped the plugin: at first, at last.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_mins(5)];

/// A registration that has lasted so long was a good one.
const LASTING: Duration = Duration::from_mins(1);

/// How kubelet and the plugin stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// kubelet does not listen.
    Waiting,
    /// kubelet knows the resource from us.
    Registered,
    /// kubelet has refused the plugin, or closed the stream of devices: another plugin has the resource.
    Refused(String),
}

/// Tells one socket from the next of the same name; inode numbers are used again.
type Identity = (u64, i64, i64);

pub(crate) struct Registration {
    resource: String,
    dir: PathBuf,
    closed: Arc<Notify>,
    state: watch::Sender<State>,
    /// kubelet that we are registered with, and since when.
    registered: Option<(Identity, Instant)>,
    pause: Duration,
    next_try: Instant,
}

/// The socket; removed on drop.
struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        // Nobody is told any more.
        fs::remove_file(&self.0).ok();
    }
}

impl Registration {
    pub(crate) fn new(
        resource: String,
        dir: PathBuf,
        closed: Arc<Notify>,
        state: watch::Sender<State>,
    ) -> Self {
        let (pause, next_try) = (PAUSES[0], Instant::now());
        Self { resource, dir, closed, state, registered: None, pause, next_try }
    }

    /// Keeps a socket in kubelet's directory and kubelet informed of it.
    pub(crate) async fn keep<F>(
        mut self,
        respond: impl Fn(HttpRequest) -> F + Clone + Send + 'static,
    ) where
        F: Future<Output = HttpResponse> + Send + 'static,
    {
        let mut serving = JoinSet::new();
        let mut events = None;
        let socket = Socket(self.dir.join(crate::endpoint(&self.resource)));
        loop {
            // A starting kubelet empties its directory, plugins' sockets included.
            if serving.is_empty() || !socket.0.exists() {
                serving.abort_all();
                while serving.join_next().await.is_some() {}
                match bind(&socket.0) {
                    Ok(listener) => drop(serving.spawn(rpc::serve(listener, respond.clone()))),
                    Err(error) => log::warn!("listen at {}: {error}", socket.0.display()),
                }
                self.registered = None;
            }
            self.register_if_due(!serving.is_empty()).await;
            if events.is_none() {
                events = watch_directory(&self.dir);
            }
            self.wait(&mut events).await;
        }
    }

    async fn register_if_due(&mut self, listening: bool) {
        let kubelet = identity(&self.dir.join("kubelet.sock"));
        if self.registered.is_some_and(|(with, _)| Some(with) != kubelet) {
            // Another kubelet, or none: what the former one thought of us does not matter.
            (self.registered, self.pause, self.next_try) = (None, PAUSES[0], Instant::now());
        }
        let Some(kubelet) = kubelet.filter(|_| listening) else {
            self.next_try = Instant::now() + RETRY;
            self.state.send_replace(State::Waiting);
            return;
        };
        if self.registered.is_some() || Instant::now() < self.next_try {
            return;
        }
        match self.register().await {
            Ok(()) => {
                log::info!("kubelet has accepted {}", self.resource);
                self.registered = Some((kubelet, Instant::now()));
                self.state.send_replace(State::Registered);
            }
            // Only a failure of the connection has a cause.
            Err(status) if status.source().is_some() => {
                self.next_try = Instant::now() + RETRY;
                self.state.send_replace(State::Waiting);
            }
            Err(status) => self.refused(format!("kubelet refuses it: {}", status.message())),
        }
    }

    async fn register(&self) -> Result<(), Status> {
        let request = RegisterRequest {
            version: "v1beta1".to_owned(),
            endpoint: crate::endpoint(&self.resource),
            resource_name: self.resource.clone(),
            options: Some(OPTIONS),
        };
        let kubelet = self.dir.join("kubelet.sock");
        let answer = rpc::call(&kubelet, "/v1beta1.Registration/Register", request);
        let late = |_| Err(Status::deadline_exceeded("no answer to the registration"));
        timeout(ANSWER, answer).await.unwrap_or_else(late).map(|Empty {}| ())
    }

    /// It is tried again, more and more seldom.
    fn refused(&mut self, why: String) {
        log::error!("{}: {why}; trying again in {} s", self.resource, self.pause.as_secs());
        self.registered = None;
        self.next_try = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSES[1]);
        self.state.send_replace(State::Refused(why));
    }

    /// Until something happens that matters here.
    async fn wait(&mut self, events: &mut Option<EventStream<[u8; 1024]>>) {
        let retry = self.next_try.max(Instant::now() + Duration::from_millis(10));
        let registered = self.registered.is_some();
        let watching = events.is_some();
        tokio::select! {
            event = next(events) => if event.is_none() { *events = None },
            // Without events, and until kubelet has accepted, it is looked.
            () = sleep_until(retry), if !registered => {}
            () = tokio::time::sleep(RETRY), if !watching => {}
            () = self.closed.notified() => self.stream_closed().await,
        }
    }

    /// kubelet goes, or it has dropped us.
    async fn stream_closed(&mut self) {
        tokio::time::sleep(PAUSES[0] / 5).await;
        let Some((with, since)) = self.registered else { return };
        let kubelet = self.dir.join("kubelet.sock");
        if identity(&kubelet) != Some(with) || rpc::connect(&kubelet).await.is_err() {
            self.registered = None;
            return;
        }
        if since.elapsed() > LASTING {
            self.pause = PAUSES[0];
        }
        self.refused("kubelet has dropped it: another plugin has this resource".to_owned());
    }
}

/// None when the directory is gone.
async fn next(events: &mut Option<EventStream<[u8; 1024]>>) -> Option<()> {
    match events {
        Some(events) => {
            let mask = events.next().await?.ok()?.mask;
            let over = EventMask::IGNORED | EventMask::DELETE_SELF | EventMask::MOVE_SELF;
            (!mask.intersects(over)).then_some(())
        }
        None => std::future::pending().await,
    }
}

/// None as long as there is no such directory.
fn watch_directory(dir: &Path) -> Option<EventStream<[u8; 1024]>> {
    let watch = || -> io::Result<_> {
        let inotify = Inotify::init()?;
        let changes = WatchMask::CREATE | WatchMask::DELETE | WatchMask::MOVED_TO;
        inotify.watches().add(dir, changes | WatchMask::DELETE_SELF | WatchMask::MOVE_SELF)?;
        inotify.into_event_stream([0; 1024])
    };
    watch().map_err(|error| log::debug!("watch {}: {error}", dir.display())).ok()
}

fn bind(socket: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(socket)
}

fn identity(socket: &Path) -> Option<Identity> {
    let metadata = fs::metadata(socket).ok()?;
    Some((metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
}
