//! What is there, and how it differs from what should be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;

use super::changes::{Change, Difference};
use super::found::{Found, normal};
use super::{Declared, Error, Parent, Table};
use crate::{Client, Transaction, Uuid, equals, includes, map};

/// The rows that matter, by table.
struct View {
    /// The owner's.
    owned: BTreeMap<&'static str, Vec<Found>>,
    /// Whosever, by name: those that are declared, and their parents.
    named: BTreeMap<(&'static str, String), Vec<Found>>,
}

/// Whose rows, and where.
pub(crate) struct Scope<'a> {
    pub(crate) database: &'static str,
    /// Parents come before their children.
    pub(crate) tables: &'a [&'static Table],
    pub(crate) owner: (&'a str, &'a str),
    /// Rows of others that do not keep the owner's from going.
    pub(crate) company: &'a [Uuid],
}

/// How the rows of the owner differ from the declared ones.
pub(crate) fn difference(
    client: &mut Client,
    scope: &Scope<'_>,
    declared: &[Declared],
    deadline: Instant,
) -> Result<Difference, Error> {
    let view = look(client, scope, declared, deadline)?;
    let mut difference = Difference::new(scope.database, scope.owner);
    let mut kept = BTreeSet::new();
    for row in declared {
        if let Some(uuid) = compare(row, &view, declared, &mut difference)? {
            kept.insert(uuid);
        }
    }
    remove_others(scope, &view, kept, &mut difference);
    for (&table, rows) in &view.owned {
        difference.seen.push((table, rows.iter().filter_map(Found::uuid).collect()));
    }
    Ok(difference)
}

fn look(
    client: &mut Client,
    scope: &Scope<'_>,
    declared: &[Declared],
    deadline: Instant,
) -> Result<View, Error> {
    let mut all = Transaction::new(scope.database);
    let of_owner = [includes("external_ids", map([scope.owner]))];
    let by_owner: Vec<_> = scope
        .tables
        .iter()
        .map(|table| (table.name, all.select_all::<Found>(table.name, &of_owner)))
        .collect();
    let by_name: Vec<_> = names_of(declared)
        .into_iter()
        .map(|(table, name)| {
            let rows = all.select_all::<Found>(table, &[equals("name", &name)]);
            ((table, name), rows)
        })
        .collect();
    let mut answers = client.transact(&all, deadline)?;
    let mut view = View { owned: BTreeMap::new(), named: BTreeMap::new() };
    for (table, rows) in by_owner {
        view.owned.insert(table, answers.rows(&rows)?);
    }
    for (name, rows) in by_name {
        view.named.insert(name, answers.rows(&rows)?);
    }
    Ok(view)
}

/// The names of declared rows and of their parents, each with its table.
fn names_of(declared: &[Declared]) -> BTreeSet<(&'static str, String)> {
    let names = declared.iter().flat_map(|row| {
        let own = row.name().map(|name| (row.table.name, name.to_owned()));
        let parent = row.table.parent.zip(row.parent.clone());
        own.into_iter().chain(parent.map(|((table, _), name)| (table, name)))
    });
    names.collect()
}

/// Adds what is to be done about a declared row. The row that it is, if it stays where it is.
fn compare(
    row: &Declared,
    view: &View,
    declared: &[Declared],
    difference: &mut Difference,
) -> Result<Option<Uuid>, Error> {
    let parent = parent_of(row, view, declared)?;
    let Some((there, uuid)) = existing(row, view, parent) else {
        not_anothers(row, view)?;
        let parent = match (row.table.parent, &row.parent, parent) {
            (None, _, _) => Parent::None,
            (_, None, _) => Parent::Only,
            (_, _, Some(found)) => found.uuid().map_or(Parent::Added, Parent::Row),
            (_, _, None) => Parent::Added,
        };
        difference.changes.push(Change::Add { row: row.clone(), parent });
        return Ok(None);
    };
    for (&column, to) in &row.columns {
        let from = there.column(column);
        if normal(&from) != normal(to) {
            difference.changes.push(Change::Set {
                table: row.table,
                row: uuid.clone(),
                key: there.key(row.table),
                column,
                from,
                to: to.clone(),
            });
        }
    }
    Ok(Some(uuid))
}

/// The parent's row; none when it has none that it could be, or is to be added as well.
fn parent_of<'v>(
    row: &Declared,
    view: &'v View,
    declared: &[Declared],
) -> Result<Option<&'v Found>, Error> {
    let Some(((table, _), name)) = row.table.parent.zip(row.parent.as_ref()) else {
        return Ok(None);
    };
    let rows = view.named.get(&(table, name.clone())).map_or(&[][..], Vec::as_slice);
    let is_declared =
        declared.iter().any(|other| other.table.name == table && other.name() == Some(name));
    match rows {
        [one] => Ok(Some(one)),
        [] if is_declared => Ok(None),
        [] => Err(Error::NoRow { table, name: name.clone() }),
        _ => Err(Error::SeveralRows { table, name: name.clone() }),
    }
}

/// The owner's row of the same key, where the parent refers to it.
fn existing<'v>(
    row: &Declared,
    view: &'v View,
    parent: Option<&Found>,
) -> Option<(&'v Found, Uuid)> {
    let key: Vec<Value> = row.table.key.iter().map(|column| normal(&row.columns[column])).collect();
    let rows = view.owned.get(row.table.name)?;
    rows.iter().filter(|found| found.key(row.table) == key).find_map(|found| {
        let uuid = found.uuid()?;
        let in_place = match (row.table.parent, &row.parent) {
            (Some((_, column)), Some(_)) => parent?.refers_to(column).contains(&uuid),
            _ => true,
        };
        in_place.then_some((found, uuid))
    })
}

/// Names are taken by whoever was there first.
fn not_anothers(row: &Declared, view: &View) -> Result<(), Error> {
    let Some(name) = row.name() else { return Ok(()) };
    let owned = view.owned.get(row.table.name).map_or(&[][..], Vec::as_slice);
    let ours: Vec<_> = owned.iter().map(Found::uuid).collect();
    let named = &view.named[&(row.table.name, name.to_owned())];
    if named.iter().all(|found| ours.contains(&found.uuid())) {
        return Ok(());
    }
    Err(Error::RowTaken { table: row.table.name, name: name.to_owned() })
}

/// Removes the owner's other rows, but those that have children of others.
fn remove_others(
    scope: &Scope<'_>,
    view: &View,
    mut kept: BTreeSet<Uuid>,
    difference: &mut Difference,
) {
    let ours = view.owned.values().flatten().filter_map(Found::uuid);
    let ours: BTreeSet<Uuid> = ours.chain(scope.company.iter().cloned()).collect();
    let mut removed = BTreeSet::new();
    for table in scope.tables {
        let others = view.owned[table.name].iter().filter_map(|row| Some((row, row.uuid()?)));
        let others: Vec<_> = others.filter(|(_, uuid)| !kept.contains(uuid)).collect();
        for (found, row) in others {
            let (table, key) = (*table, found.key(table));
            let children: Vec<_> =
                table.children.iter().map(|column| (*column, found.refers_to(column))).collect();
            let strangers = children.iter().flat_map(|(_, rows)| rows);
            if strangers.filter(|child| !ours.contains(*child)).count() > 0 {
                kept.extend(own_port(table, found, view));
                difference.changes.push(Change::Keep { table, key });
            } else {
                let with_parent =
                    parents(table, &row, view).any(|parent| removed.contains(&parent));
                removed.insert(row.clone());
                difference.changes.push(Change::Remove { table, row, key, children, with_parent });
            }
        }
    }
}

/// The owner's rows that refer to a row.
fn parents<'v>(table: &Table, row: &'v Uuid, view: &'v View) -> impl Iterator<Item = Uuid> + 'v {
    let parent = table.parent;
    let rows = parent.and_then(|(parent, _)| view.owned.get(parent)).into_iter().flatten();
    let referring = rows.filter(move |found| {
        parent.is_some_and(|(_, column)| found.refers_to(column).contains(row))
    });
    referring.filter_map(Found::uuid)
}

/// A bridge that stays keeps the port that has its name, and that port's interface.
fn own_port(table: &Table, bridge: &Found, view: &View) -> Vec<Uuid> {
    let rows = view.owned.values().flatten();
    let same =
        rows.filter(|row| table.name == "Bridge" && row.column("name") == bridge.column("name"));
    same.filter_map(Found::uuid).collect()
}
