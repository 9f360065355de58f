//! The revocation of several at once: each by itself, in one change.

use serde::Serialize;
use serde_json::json;

use super::Answered;
use super::answer::done;
use super::key_sets::confirmed;
use crate::admin::asked::{Asked, Work};
use crate::admin::once::Made;
use crate::admin::v3::Failure;
use crate::store::{Change, DONE, Deed, Reason as _};

/// So many are revoked at once.
const MOST: usize = 1000;

/// What became of one that was to be revoked.
pub(super) struct Became<T> {
    pub(super) id: String,
    /// `done`, or the code of the refusal.
    pub(super) outcome: String,
    /// Why it was refused, for people.
    pub(super) detail: Option<String>,
    /// What there is to say of one that was not.
    pub(super) revoked: Option<T>,
}

/// Revokes all of `ids`, each of which is revoked by `one` or refused, and is an entry of the audit log.
/// What refuses it is found before anything is written. `one` may add to the entry. The answer has of each what `shown` says, in the
/// order of the request.
///
/// # Errors
/// Without a confirmation, of too many, and what the store said.
pub(super) async fn revoke_each<T: 'static, R: Serialize + 'static>(
    asked: Asked,
    noun: &'static str,
    (confirm, ids): (bool, Vec<String>),
    one: impl Fn(&Work, &mut Change<'_>, &mut Deed, &str) -> Result<T, Failure> + Send + 'static,
    shown: fn(Became<T>) -> R,
) -> Answered {
    confirmed(confirm)?;
    if ids.len() > MOST {
        return Err(Failure::invalid("ids", format!("expected {MOST} ids at most")).into());
    }
    let work = asked.work.clone();
    let whole = asked.deed(noun, "revoke_many", "");
    let made = asked.change(whole, move |change, whole| {
        let (work, asked) = (work.of_change(), ids.len());
        let (mut all, mut revoked) = (Vec::with_capacity(asked), 0);
        for id in ids {
            let action = format!("{noun}.revoke");
            let mut deed = Deed { action, object: id.clone(), ..whole.clone() };
            let became = match one(&work, change, &mut deed, &id) {
                Ok(done) => {
                    revoked += 1;
                    Became { id, outcome: DONE.to_owned(), detail: None, revoked: Some(done) }
                }
                Err(Failure::Store(error)) => return Err(Failure::Store(error)),
                Err(refused) => {
                    let (outcome, detail) = (refused.code().to_owned(), Some(refused.message()));
                    Became { id, outcome, detail, revoked: None }
                }
            };
            change.tell(deed, &became.outcome);
            all.push(shown(became));
        }
        whole.details = json!({ "asked": asked, "revoked": revoked }).to_string();
        Made::new(&all, None)
    });
    Ok(done(&made.await?)?)
}
