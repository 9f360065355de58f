//! The roll and the store.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{AHEAD, Member, Roll, Session, lease};
use crate::proxies::RegisteredProxy;
use crate::store::{Connection, StoreError};

/// How often what was heard is written, where nobody else looks at it.
const SECOND: Duration = Duration::from_secs(1);
/// The same where other control planes wait for what proxies of this one enforce.
const SOON: Duration = Duration::from_millis(50);

impl Roll {
    /// Renews the lease of a proxy from `from` on, in milliseconds since 1970: it may be told so once
    /// this returns.
    ///
    /// # Errors
    /// What the store said: the proxy is not told then. Likewise below.
    pub async fn renew(&self, session: &Session, from: i64) -> Result<(), StoreError> {
        let ends = |member: &Member| {
            member.proxy.serve_for.map(|serve_for| from.saturating_add(lease(serve_for)))
        };
        let kept =
            self.members.borrow().get(&session.name).is_none_or(|member| {
                ends(member).is_none_or(|ends| ends <= member.proxy.leased_until)
            });
        if !kept {
            self.renew_ahead(from).await?;
        }
        self.with(session, |member| {
            member.granted = ends(member).map_or(0, |ends| ends.max(member.granted));
        });
        Ok(())
    }

    /// Keeps a later end for the leases of all proxies that are connected here.
    async fn renew_ahead(&self, from: i64) -> Result<(), StoreError> {
        let here: Vec<_> = {
            let members = self.members.borrow();
            let here = members.values().filter(|member| member.session.is_some());
            let ends = |proxy: &RegisteredProxy| {
                from.saturating_add(lease(proxy.serve_for.unwrap_or(0))).saturating_add(AHEAD)
            };
            here.map(|member| (member.proxy.name.clone(), ends(&member.proxy))).collect()
        };
        let rows = here.clone();
        let kept = self.store.quietly(move |connection| {
            for (name, ends) in rows {
                let statement = "UPDATE proxies SET leased_until = $1 \
                                 WHERE name = $2 AND leased_until < $1";
                connection.run(statement, &[ends.into(), name.into()])?;
            }
            Ok(())
        });
        kept.await?;
        self.members.send_if_modified(|members| {
            for (name, ends) in here {
                if let Some(member) = members.get_mut(&name) {
                    member.proxy.leased_until = member.proxy.leased_until.max(ends);
                }
            }
            false
        });
        Ok(())
    }

    /// Writes what was heard since the last time.
    pub async fn keep(&self) -> Result<(), StoreError> {
        let changed: Vec<_> = {
            let members = self.members.borrow();
            let changed = members.values().filter(|member| member.changed);
            changed.map(|member| member.proxy.clone()).collect()
        };
        if changed.is_empty() {
            return Ok(());
        }
        let rows = changed.clone();
        let kept = self
            .store
            .quietly(move |connection| rows.iter().try_for_each(|proxy| proxy.update(connection)));
        kept.await?;
        self.members.send_if_modified(|members| {
            for proxy in changed {
                if let Some(member) = members.get_mut(&proxy.name)
                    && member.proxy == proxy
                {
                    member.changed = false;
                }
            }
            false
        });
        Ok(())
    }

    /// Reads what other control planes have heard, and which proxies were forgotten.
    pub async fn look(&self) -> Result<(), StoreError> {
        let before: HashMap<_, _> = {
            let members = self.members.borrow();
            members.iter().map(|(name, member)| (name.clone(), member.session)).collect()
        };
        let read = |connection: &mut dyn Connection| RegisteredProxy::all(connection);
        let mut rows: HashMap<_, _> =
            self.store.read(read).await?.into_iter().map(|row| (row.name.clone(), row)).collect();
        self.members.send_if_modified(|members| {
            let present = members.len();
            // One that came meanwhile is not in the rows.
            members.retain(|name, member| {
                rows.contains_key(name) || before.get(name) != Some(&member.session)
            });
            let mut different = members.len() != present;
            for (name, row) in rows.drain() {
                match members.get_mut(&name) {
                    Some(member)
                        if member.session.is_some() || member.changed || member.proxy == row => {}
                    _ => {
                        members.insert(name, Member::of(row));
                        different = true;
                    }
                }
            }
            different
        });
        Ok(())
    }

    /// Keeps the roll, for ever. `looks` tells when proxies may have been forgotten.
    pub async fn run(self: Arc<Self>, mut looks: watch::Receiver<u64>) {
        let pause = if self.is_shared() { SOON } else { SECOND };
        loop {
            let kept = tokio::select! {
                () = tokio::time::sleep(pause) => self.keep().await,
                Ok(()) = looks.changed() => self.look().await,
            };
            if let Err(error) = kept {
                tracing::warn!(%error, "what proxies enforce cannot be kept; trying again");
                tokio::time::sleep(SECOND).await;
            }
        }
    }
}
