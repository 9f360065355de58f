//! `tollgate restore`

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;

use tollgate_control::operations::Context;
use tollgate_control::plane::{self, StorePlace};
use tollgate_control::restore::{Prepared, Restore, RestoreError};
use tollgate_core::Clock;

use super::{FAILED, WRONG, backup, control, say};
use crate::boot::Failure;
use crate::cli::RestoreArguments;
use crate::clock::SystemClock;

/// What has to be typed.
const WORD: &str = "restore";

#[expect(clippy::print_stdout, reason = "what was done is the program's answer")]
pub(super) fn perform(arguments: &RestoreArguments) -> ExitCode {
    let (config, settings) = match control::read(&arguments.file.config) {
        Ok(read) => read,
        Err(code) => return code,
    };
    let StorePlace::File(store) = settings.store.clone() else {
        say(format_args!(
            "tollgate: the store is a PostgreSQL database: pg_restore restores it, and \
             docs/operating.md tells what has to be revoked again"
        ));
        return ExitCode::from(WRONG);
    };
    let prepare = || -> Result<Prepared, Failure> {
        let context = Context {
            files: Arc::clone(&config.objects.objects),
            sealer: plane::sealer(&settings)?,
            retrieval: settings.retrieval,
        };
        let restore = Restore {
            store,
            backup: arguments.from.clone(),
            context,
            clock: Arc::new(SystemClock::new()) as Arc<dyn Clock>,
            leave: arguments.leave_revived.iter().cloned().collect(),
            forget_present: arguments.forget_present,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(restore.prepare())?)
    };
    let prepared = match prepare() {
        Ok(prepared) => prepared,
        Err(error) => return fail(&*error),
    };
    println!("{}: {}", arguments.from.display(), backup::shown(prepared.backup));
    tell(&prepared, arguments.forget_present);
    if !(arguments.yes || confirmed()) {
        say(format_args!("tollgate: nothing was restored: it was not confirmed"));
        return ExitCode::from(FAILED);
    }
    let begins = prepared.begins;
    match prepared.put_in_place() {
        Ok(kept) => {
            println!("restored: revision {} begins epoch {}", begins.number, begins.epoch);
            if let Some(kept) = kept {
                println!("the store before it is kept: {}", kept.display());
            }
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

fn fail(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    say(format_args!("tollgate: nothing was restored: {error}"));
    let wrong = matches!(error.downcast_ref(), Some(RestoreError::NothingToLeave(_)));
    ExitCode::from(if wrong { WRONG } else { FAILED })
}

/// Says what the restored store differs in from the backup.
#[expect(clippy::print_stdout, reason = "what is to be done is the program's answer")]
fn tell(prepared: &Prepared, forget_present: bool) {
    if forget_present {
        println!("the present store is not asked: what was revoked since lives again");
    }
    let again = &prepared.again;
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
    if prepared.sealed_otherwise > 0 {
        println!(
            "  {} keys are sealed with another sealing key than those configured: they work, and \
             cannot be shown",
            prepared.sealed_otherwise
        );
    }
}

fn confirmed() -> bool {
    say(format_args!(
        "This takes the place of the present store. Type {WORD} to go on, anything else to leave it."
    ));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).is_ok() && line.trim() == WORD
}
