//! Where the keys of an import go.

use std::path::Path;

use tollgate_control::migration::PlanName;
use tollgate_control::operations::Destination;

use crate::cli::ImportArguments;
use crate::client::Failure;

/// What the arguments say.
pub(super) fn of(arguments: &ImportArguments) -> Result<Destination, Failure> {
    if let Some(file) = &arguments.destination {
        return of_file(file);
    }
    let mut destination = Destination {
        plan: arguments.plan.as_deref().map(|name| plan(name, "--plan")).transpose()?,
        owner: arguments.owner.clone(),
        application: arguments.application.clone(),
        ..Destination::default()
    };
    for mapped in &arguments.groups {
        let (group, name) = mapped.split_once('=').ok_or_else(|| expected("--map"))?;
        if destination.groups.insert(group.to_owned(), plan(name, "--map")?).is_some() {
            return Err(Failure::Wrong("--map: a group is mapped twice".to_owned()));
        }
    }
    Ok(destination)
}

fn of_file(file: &Path) -> Result<Destination, Failure> {
    let wrong = |what: String| Failure::Wrong(format!("--destination: {what}"));
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    // What the library says repeats what it found: the document itself, if that was named here.
    serde_json::from_slice(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        wrong(format!("line {line}, column {column}: expected groups, plan, owner, application"))
    })
}

fn plan(name: &str, option: &str) -> Result<PlanName, Failure> {
    let both =
        name.split_once('/').filter(|(package, plan)| !package.is_empty() && !plan.is_empty());
    let (package, plan) = both.ok_or_else(|| expected(option))?;
    Ok(PlanName { package: package.to_owned(), plan: plan.to_owned() })
}

fn expected(option: &str) -> Failure {
    let group = if option == "--map" { "GROUP=" } else { "" };
    Failure::Wrong(format!(
        "{option}: expected {group}PACKAGE/PLAN; a package with a slash in its name stands in a \
         file (--destination)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_named_with_its_package() {
        let named = plan("trial/free", "--plan").unwrap();
        assert_eq!((&*named.package, &*named.plan), ("trial", "free"));
        assert_eq!(plan("trial/a/b", "--plan").unwrap().plan, "a/b");
        for wrong in ["", "trial", "/free", "trial/"] {
            assert!(plan(wrong, "--map").is_err(), "{wrong}");
        }
    }
}
