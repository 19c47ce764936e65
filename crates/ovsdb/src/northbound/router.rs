//! A router as it is, whoever made it.

use std::time::Instant;

use super::rows::LogicalRouter;
use super::{DATABASE, LogicalRouterPort, Northbound, StaticRoute};
use crate::declared::Error;
use crate::{Map, Row as _, Transaction, equals};

/// What a router has.
#[derive(Debug, Clone)]
pub struct Router {
    /// Its ports.
    pub ports: Vec<LogicalRouterPort>,
    /// Its routes.
    pub routes: Vec<StaticRoute>,
    /// Whose it is.
    pub external_ids: Map,
}

impl Northbound {
    /// The router of that name, if there is one.
    ///
    /// # Errors
    /// [`Error::SeveralRows`]; the connection fails.
    pub fn router(&mut self, name: &str, deadline: Instant) -> Result<Option<Router>, Error> {
        let mut all = Transaction::new(DATABASE);
        let by_name = all.select::<LogicalRouter>(&[equals("name", name)]);
        let all_ports = all.select::<LogicalRouterPort>(&[]);
        let all_routes = all.select::<StaticRoute>(&[]);
        let mut answers = self.client.transact(&all, deadline)?;
        let mut found = answers.rows(&by_name)?;
        let Some(row) = found.pop() else { return Ok(None) };
        if !found.is_empty() {
            return Err(Error::SeveralRows { table: LogicalRouter::TABLE, name: name.to_owned() });
        }
        let mut ports: Vec<LogicalRouterPort> = answers.rows(&all_ports)?;
        ports.retain(|port| row.ports.0.contains(&port.uuid));
        let mut routes: Vec<StaticRoute> = answers.rows(&all_routes)?;
        routes.retain(|route| row.static_routes.0.contains(&route.uuid));
        Ok(Some(Router { ports, routes, external_ids: row.external_ids }))
    }
}
