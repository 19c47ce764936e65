//! Places for connections. When all are taken and one more client comes, one that is waited for makes room.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Between two looks for somebody who makes room, when nobody does.
const LOOK: Duration = Duration::from_millis(20);

pub(super) struct Places {
    free: Arc<Semaphore>,
    taken: Vec<(AbortHandle, Arc<Client>)>,
    /// A client is waited for so long, also when others wait for its place.
    haste: Duration,
}

/// One that has a place.
pub(super) struct Client(Mutex<Waiting>);

struct Waiting {
    /// Whether it has asked something that was answered. Others make room first, so a kube-scheduler outlasts a
    /// crowd that says nothing.
    known: bool,
    /// Since when it is to send or to read something; none while its answer is being made.
    since: Option<Instant>,
}

impl Places {
    pub(super) fn new(count: usize, haste: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), taken: Vec::new(), haste }
    }

    /// A place for one more client, as soon as there is one.
    pub(super) async fn find(&mut self) -> OwnedSemaphorePermit {
        self.taken.retain(|(task, _)| !task.is_finished());
        loop {
            if self.free.available_permits() == 0 {
                self.make_room();
            }
            let place = timeout(LOOK, Arc::clone(&self.free).acquire_owned()).await;
            if let Ok(Ok(place)) = place {
                return place;
            }
        }
    }

    /// Whose place it is, and the task that ends with it.
    pub(super) fn take(&mut self, client: Arc<Client>, task: AbortHandle) {
        self.taken.push((task, client));
    }

    /// Ends the connection that is waited for the longest, if that is long enough; one that is not known, as long
    /// as there is any.
    fn make_room(&self) {
        let open = self.taken.iter().filter(|(task, _)| !task.is_finished());
        let waiting = open.filter_map(|(task, client)| Some((client.waiting()?, task)));
        let first = waiting.min_by_key(|(waiting, _)| *waiting);
        if let Some(((_, since), task)) = first
            && since.elapsed() >= self.haste
        {
            log::debug!("a connection ends: others wait for its place");
            task.abort();
        }
    }
}

impl Client {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Waiting { known: false, since: Some(Instant::now()) }))
    }

    /// It has sent the head of a request.
    pub(super) fn asks(&self) {
        self.set(|waiting| waiting.since = Some(Instant::now()));
    }

    /// It has sent all of it.
    pub(super) fn asked(&self) {
        self.set(|waiting| waiting.since = None);
    }

    /// It may read the answer and ask again.
    pub(super) fn answered(&self, well: bool) {
        self.set(|waiting| {
            *waiting = Waiting { known: waiting.known || well, since: Some(Instant::now()) };
        });
    }

    fn set(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether it is known, and since when it is waited for.
    fn waiting(&self) -> Option<(bool, Instant)> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some((waiting.known, waiting.since?))
    }
}
