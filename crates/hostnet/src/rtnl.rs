//! A blocking rtnetlink connection to one network namespace.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::StreamExt;
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::AsyncSocket;
use rtnetlink::Handle;

use tokio::runtime::{Builder, Runtime};

use crate::{Error, NetlinkError, Netns};

/// rtnetlink requests to one namespace. The socket was opened inside; the calls come from outside.
pub struct Rtnl {
    runtime: Rc<Runtime>,
    handle: RefCell<Handle>,
}

impl Rtnl {
    /// Connects to the calling thread's namespace.
    ///
    /// # Errors
    /// No socket or event loop can be had.
    pub fn here() -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_io().build().map_err(Error::Socket)?;
        let handle = connect(&runtime)?;
        Ok(Self { runtime: Rc::new(runtime), handle: RefCell::new(handle) })
    }

    /// A second connection, to `netns`, on the same event loop: only the opening of its socket happens
    /// inside.
    ///
    /// # Errors
    /// As [`Rtnl::here`]; the namespace cannot be entered.
    pub fn inside(&self, netns: &Netns) -> Result<Self, Error> {
        let runtime: &Runtime = &self.runtime;
        let handle = netns.run(|| connect(runtime))??;
        Ok(Self { runtime: Rc::clone(&self.runtime), handle: RefCell::new(handle) })
    }

    /// Sends a request that changes something and waits for the acknowledgement. `operation` names
    /// it in errors, as in "set MTU of eth0"; `flags` are `NLM_F_*` beyond request and ack.
    ///
    /// # Errors
    /// [`Error::Refused`] with the kernel's text.
    pub fn change(
        &self,
        request: RouteNetlinkMessage,
        flags: u16,
        operation: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        self.exchange(request, NLM_F_REQUEST | NLM_F_ACK | flags, operation).map(|_| ())
    }

    /// Asks for one object and returns the answers (one, unless the kernel has none).
    ///
    /// # Errors
    /// [`Error::Refused`], `ENODEV` when there is no such link.
    pub fn get(
        &self,
        request: RouteNetlinkMessage,
        operation: impl FnOnce() -> String,
    ) -> Result<Vec<RouteNetlinkMessage>, Error> {
        self.exchange(request, NLM_F_REQUEST, operation)
    }

    /// Asks for all objects of a kind.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn dump(
        &self,
        request: RouteNetlinkMessage,
        operation: impl FnOnce() -> String,
    ) -> Result<Vec<RouteNetlinkMessage>, Error> {
        self.exchange(request, NLM_F_REQUEST | NLM_F_DUMP, operation)
    }

    fn exchange(
        &self,
        request: RouteNetlinkMessage,
        flags: u16,
        operation: impl FnOnce() -> String,
    ) -> Result<Vec<RouteNetlinkMessage>, Error> {
        let mut message = NetlinkMessage::from(request);
        message.header.flags = flags;
        let answers = self.runtime.block_on(async {
            let mut answers = Vec::new();
            let mut stream = self
                .handle
                .borrow_mut()
                .request(message)
                .map_err(|_closed| NetlinkError { errno: libc::ENOTCONN, text: None })?;
            while let Some(answer) = stream.next().await {
                match answer.payload {
                    NetlinkPayload::Error(e) if e.code.is_some() => return Err((&e).into()),
                    NetlinkPayload::InnerMessage(inner) => answers.push(inner),
                    _ => {}
                }
            }
            Ok(answers)
        });
        answers.map_err(|source| Error::Refused { operation: operation(), source })
    }
}

/// Opens the socket in the calling thread's namespace and leaves its driving task on `runtime`.
fn connect(runtime: &Runtime) -> Result<Handle, Error> {
    let _context = runtime.enter();
    let (mut connection, handle, _unsolicited) =
        rtnetlink::new_connection().map_err(Error::Socket)?;
    let socket = connection.socket_mut().socket_mut();
    // The driver's own words on refusal, and no echo of the request in front of them.
    socket.set_ext_ack(true).map_err(Error::Socket)?;
    socket.set_cap_ack(true).map_err(Error::Socket)?;
    runtime.spawn(connection);
    Ok(handle)
}
