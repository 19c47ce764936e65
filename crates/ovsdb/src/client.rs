//! A connection to a database server: calls with deadlines, monitors, connecting again.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stream::Stream;
use crate::wire::{Broken, Message, Reader};
use crate::{Address, Answers, Error, Identity, Row, TableUpdates, Transaction};

/// Pauses between tries to connect again: the first and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(500)];

/// Tries until it succeeds; the error of the last try before the deadline.
pub(crate) fn patiently<T, E>(
    deadline: Instant,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let [mut pause, longest] = PAUSES;
    loop {
        match attempt() {
            Err(_not_yet) if Instant::now() + pause < deadline => thread::sleep(pause),
            last => return last,
        }
        pause = (pause * 2).min(longest);
    }
}

/// A connection to one database server.
///
/// After an error that [is a disconnect](Error::is_disconnect) it is of no more use until
/// [`Client::reconnect`]: an answer may be half read.
#[derive(Debug)]
pub struct Client {
    address: Address,
    identity: Identity,
    reader: Reader<Stream>,
    last_id: u64,
    /// What monitors reported while something else was waited for.
    updates: VecDeque<Value>,
}

impl Client {
    /// Connects, in one try.
    ///
    /// # Errors
    /// [`Error::Connect`].
    pub fn connect(address: &Address, deadline: Instant) -> Result<Self, Error> {
        Self::connect_as(&Identity::default(), address, deadline)
    }

    /// The same, for a server that wants to know who we are (`ssl:`).
    ///
    /// # Errors
    /// [`Error::Connect`].
    pub fn connect_as(
        identity: &Identity,
        address: &Address,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let stream = Stream::connect(address, identity, deadline)?;
        Ok(Self {
            address: address.clone(),
            identity: identity.clone(),
            reader: Reader::new(stream),
            last_id: 0,
            updates: VecDeque::new(),
        })
    }

    /// Connects anew to the same server, trying until the deadline: a server that restarts is back
    /// in a moment. Monitors have to be set up again.
    ///
    /// # Errors
    /// [`Error::Connect`] of the last try.
    pub fn reconnect(&mut self, deadline: Instant) -> Result<(), Error> {
        *self = patiently(deadline, || Self::connect_as(&self.identity, &self.address, deadline))?;
        Ok(())
    }

    /// Where it is connected to.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The schema of a database (RFC 7047 4.1.2).
    ///
    /// # Errors
    /// There is no such database, or the connection fails.
    pub fn get_schema(&mut self, database: &str, deadline: Instant) -> Result<Value, Error> {
        self.call("get_schema", &json!([database]), deadline)
    }

    /// Asks the server for a sign of life (RFC 7047 4.1.11).
    ///
    /// # Errors
    /// It gives none by the deadline.
    pub fn echo(&mut self, deadline: Instant) -> Result<(), Error> {
        self.call("echo", &json!([]), deadline).map(drop)
    }

    /// Does all operations or none (RFC 7047 4.1.3).
    ///
    /// # Errors
    /// [`Error::Operation`], when one of them failed; the connection fails, and then nobody knows
    /// whether they were done.
    pub fn transact(
        &mut self,
        transaction: &Transaction,
        deadline: Instant,
    ) -> Result<Answers, Error> {
        let result = self.call("transact", &transaction.params(), deadline)?;
        Answers::of(transaction, result)
    }

    /// Asks to be told of every change of these columns of a table (RFC 7047 4.1.5). What is there at
    /// first is returned; changes come by [`Client::next_update`].
    ///
    /// # Errors
    /// There is no such table or column, or the connection fails.
    pub fn monitor<R: Row>(
        &mut self,
        database: &str,
        deadline: Instant,
    ) -> Result<TableUpdates, Error> {
        let columns: Vec<_> = R::COLUMNS.iter().filter(|column| **column != "_uuid").collect();
        let id = format!("{}-{}", R::TABLE, self.last_id + 1);
        let result = self.call(
            "monitor",
            &json!([database, id, {R::TABLE: [{"columns": columns}]}]),
            deadline,
        )?;
        TableUpdates::of(result)
    }

    /// The next change that a monitor reports; none when there is none by the deadline.
    ///
    /// # Errors
    /// The connection fails.
    pub fn next_update(&mut self, deadline: Instant) -> Result<Option<TableUpdates>, Error> {
        loop {
            if let Some(update) = self.updates.pop_front() {
                return TableUpdates::of(update).map(Some);
            }
            self.reader.stream().deadline = deadline;
            // Only between two messages is being late harmless.
            match self.reader.await_message() {
                Err(Broken::Io(error)) if error.kind() == ErrorKind::TimedOut => return Ok(None),
                begun => begun.map_err(|broken| self.broken(broken, "monitor"))?,
            }
            let message = self.reader.message().map_err(|broken| self.broken(broken, "monitor"))?;
            self.take_other(message)?;
        }
    }

    fn call(&mut self, method: &str, params: &Value, deadline: Instant) -> Result<Value, Error> {
        self.last_id += 1;
        let id = self.last_id;
        self.reader.stream().deadline = deadline;
        self.send(&json!({"method": method, "params": params, "id": id}), method)?;
        loop {
            let message = self.reader.message().map_err(|broken| self.broken(broken, method))?;
            if message.method.is_some() {
                self.take_other(message)?;
            } else if message.id == id {
                return match message.error {
                    Value::Null => Ok(message.result),
                    error => {
                        Err(Error::Refused { method: method.to_owned(), error: error.to_string() })
                    }
                };
            }
        }
    }

    /// What a server says unasked: it wants an echo, or a monitor reports.
    fn take_other(&mut self, message: Message) -> Result<(), Error> {
        match message.method.as_deref() {
            Some("echo") => {
                let answer = json!({"result": message.params, "error": null, "id": message.id});
                self.send(&answer, "echo")
            }
            Some("update") => {
                let Value::Array(mut params) = message.params else {
                    return Err(Error::NotOvsdb("an update without parameters".to_owned()));
                };
                self.updates.extend(params.pop());
                Ok(())
            }
            // Locks and later inventions: nobody asked for them.
            _ => Ok(()),
        }
    }

    fn send(&mut self, message: &Value, method: &str) -> Result<(), Error> {
        let stream = self.reader.stream();
        let written =
            stream.write_all(message.to_string().as_bytes()).and_then(|()| stream.flush());
        written.map_err(|error| self.broken(Broken::Io(error), method))
    }

    fn broken(&self, broken: Broken, method: &str) -> Error {
        let address = self.address.clone();
        match broken {
            Broken::Garbage(text) => Error::NotOvsdb(text),
            Broken::Io(error) if error.kind() == ErrorKind::TimedOut => {
                Error::Late { address, method: method.to_owned() }
            }
            Broken::Io(source) => Error::Connection { address, source },
        }
    }
}
