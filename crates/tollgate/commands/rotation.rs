//! `tollgate rotation`

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tollgate_control::model::SchemeSettings;
use tollgate_control::operations::Context;
use tollgate_control::plane;
use tollgate_control::rotation::{Progress, Stood};
use tollgate_control::store;

use super::{FAILED, control, say, with_pepper};
use crate::boot::Failure;
use crate::cli::RotationArguments;

#[expect(clippy::print_stdout, reason = "what stands where is the program's answer")]
pub(super) fn perform(arguments: &RotationArguments) -> ExitCode {
    let (config, settings) = match control::read(&arguments.file.config) {
        Ok(read) => read,
        Err(code) => return code,
    };
    if let Err(code) = with_pepper(&config) {
        return code;
    }
    let files = Arc::clone(&config.objects.objects);
    let digests = files.digests.clone();
    let look = || -> Result<Progress, Failure> {
        let sealer = plane::known_sealer(&settings)?;
        let context = Context { files, sealer, retrieval: settings.retrieval };
        let engine = plane::beside(&settings.store)?;
        Ok(store::look(&*engine, |connection| Progress::of(&context, connection))?)
    };
    let progress = match look() {
        Ok(progress) => progress,
        Err(error) => {
            say(format_args!("tollgate: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let Progress { sealed, digested, unmovable } = progress;
    let (present, previous) =
        (digests.current.mark(), digests.previous.as_ref().map(SchemeSettings::mark));
    if arguments.json {
        let stood = |Stood { present, previous, other }: Stood| json!({ "present": present, "previous": previous, "other": other });
        let report = json!({
            "sealed": stood(sealed),
            "previousSealingKeyNeeded": sealed.previous > 0,
            "presentScheme": present,
            "previousScheme": previous,
            "digested": stood(digested),
            "unmovable": unmovable,
        });
        println!("{report}");
        return ExitCode::SUCCESS;
    }
    println!(
        "sealed with the present sealing key: {}\nsealed with the previous one: {}{}\n\
         sealed with neither: {}",
        sealed.present,
        sealed.previous,
        match (settings.previous_sealing_key_file, sealed.previous) {
            (Some(_), 0) => "; it can be destroyed, once no backup is left that was made with it",
            _ => "",
        },
        sealed.other,
    );
    println!(
        "digested under the present scheme, {present}: {}\n\
         digested under the previous one, {}: {}, of which {unmovable} cannot be moved\n\
         digested under neither, or it is not known: {}",
        digested.present,
        previous.as_deref().unwrap_or("none"),
        digested.previous,
        digested.other,
    );
    ExitCode::SUCCESS
}
