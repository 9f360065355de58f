//! `tollgate restore`

mod way;

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;

use tollgate_control::operations::Context;
use tollgate_control::plane;
use tollgate_control::restore::{DatabaseRestore, FileRestore, RestoreError, Restored, Terms};
use tollgate_control::store::StoreError;
use tollgate_core::Clock;

use super::{FAILED, WRONG, backup, control, say};
use crate::boot::Failure;
use crate::cli::RestoreArguments;
use crate::clock::SystemClock;
use way::Way;

/// What has to be typed.
const WORD: &str = "restore";

pub(super) fn perform(arguments: &RestoreArguments) -> ExitCode {
    let (config, settings) = match control::read(&arguments.file.config) {
        Ok(read) => read,
        Err(code) => return code,
    };
    let way = match Way::of(arguments, &settings.store) {
        Ok(way) => way,
        Err(problem) => {
            say(format_args!("tollgate: {problem}"));
            return ExitCode::from(WRONG);
        }
    };
    let terms = || -> Result<Terms, Failure> {
        Ok(Terms {
            context: Context {
                files: Arc::clone(&config.objects.objects),
                sealer: plane::sealer(&settings)?,
                retrieval: settings.retrieval,
            },
            clock: Arc::new(SystemClock::new()) as Arc<dyn Clock>,
            leave: arguments.leave_revived.iter().cloned().collect(),
        })
    };
    let restored = terms().and_then(|terms| match way {
        Way::File { store, backup } => file(
            arguments,
            FileRestore { store, backup, terms, forget_present: arguments.forget_present },
        ),
        Way::Database { present } => database(
            arguments,
            DatabaseRestore {
                store: plane::beside(&settings.store)?,
                present: present.as_ref().map(plane::beside).transpose()?,
                terms,
            },
        ),
    });
    restored.unwrap_or_else(|error| fail(&*error))
}

#[expect(clippy::print_stdout, reason = "where the present store is kept is the program's answer")]
fn file(arguments: &RestoreArguments, restore: FileRestore) -> Result<ExitCode, Failure> {
    let from = restore.backup.display().to_string();
    let prepared = restore.prepare()?;
    if !agreed(arguments, &from, &prepared.restored) {
        return Ok(ExitCode::from(FAILED));
    }
    let restored = prepared.restored.clone();
    let kept = prepared.put_in_place()?;
    done(&restored);
    if let Some(kept) = kept {
        println!("the store before it is kept: {}", kept.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn database(arguments: &RestoreArguments, restore: DatabaseRestore) -> Result<ExitCode, Failure> {
    let prepared = restore.prepare()?;
    if !agreed(arguments, "the restored database", &prepared.restored) {
        return Ok(ExitCode::from(FAILED));
    }
    let restored = prepared.restored.clone();
    prepared.commit()?;
    done(&restored);
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "what was done is the program's answer")]
fn done(restored: &Restored) {
    let begins = restored.begins;
    println!("restored: revision {} begins epoch {}", begins.number, begins.epoch);
}

fn fail(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    match error.downcast_ref() {
        Some(RestoreError::Store(StoreError::Unknown(_))) => {
            say(format_args!("tollgate: whether it was restored is not known: {error}"));
        }
        _ => say(format_args!("tollgate: nothing was restored: {error}")),
    }
    let wrong =
        matches!(error.downcast_ref(), Some(RestoreError::NothingToLeave(_) | RestoreError::Same));
    ExitCode::from(if wrong { WRONG } else { FAILED })
}

/// Says what the restored store differs in from the backup, and whether that is wanted.
#[expect(clippy::print_stdout, reason = "what is to be done is the program's answer")]
fn agreed(arguments: &RestoreArguments, from: &str, restored: &Restored) -> bool {
    println!("{from}: {}", backup::shown(restored.backup));
    if arguments.forget_present {
        println!("the present store is not asked: what was revoked since lives again");
    }
    let again = &restored.again;
    for (what, ids) in [
        ("revoked again", &again.revoked),
        ("deleted again", &again.deleted),
        ("suspended again", &again.suspended),
        ("application suspended again", &again.applications),
        ("member as at present", &again.members),
        ("subscription cancelled again", &again.subscriptions),
        ("LIVES AGAIN, as you wish", &again.left),
    ] {
        ids.iter().for_each(|id| println!("  {what}: {id}"));
    }
    if restored.sealed_otherwise > 0 {
        println!(
            "  {} keys are sealed with another sealing key than those configured: they work, and \
             cannot be shown",
            restored.sealed_otherwise
        );
    }
    let agreed = arguments.yes || confirmed();
    if !agreed {
        say(format_args!("tollgate: nothing was restored: it was not confirmed"));
    }
    agreed
}

fn confirmed() -> bool {
    say(format_args!(
        "This takes the place of the present store. Type {WORD} to go on, anything else to leave it."
    ));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).is_ok() && line.trim() == WORD
}
