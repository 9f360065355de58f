//! An explanation for people: a line for each thing that decides.

use std::fmt::{self, Write};

use tollgate_proxy::explain::{
    Answer, CredentialTold, Explanation, KeyTold, LimitTold, RouteTold, TermsTold, Verdict,
};

/// The explanation, told of `against`.
pub(super) fn of(against: &str, explanation: &Explanation) -> String {
    let mut text = String::new();
    // Nothing fails that is written to a string.
    let _ = write(&mut text, against, explanation);
    text
}

fn write(to: &mut String, against: &str, told: &Explanation) -> fmt::Result {
    line(to, "against", against)?;
    match told.revision {
        Some(revision) => {
            let text = format!("{} of epoch {}, at {}", revision.number, revision.epoch, told.time);
            line(to, "revision", text)?;
        }
        None => line(to, "revision", "none: the process has no snapshot yet")?,
    }
    let host = told.host.as_deref().unwrap_or("(no host)");
    let (http_method, path, source) = (&told.http_method, &told.path, told.source);
    line(to, "request", format!("{http_method} {host}{path} from {source}"))?;
    if let Some(route) = &told.route {
        line(to, "route", of_route(route))?;
    }
    if let Some(credential) = &told.credential {
        line(to, "credential", of_credential(credential))?;
        if !credential.proof_places.is_empty() {
            let places = credential.proof_places.join(", ");
            line(to, "proof", format!("asked for in {places}; taken to be right"))?;
        }
    }
    if let Some(key) = &told.key {
        line(to, "key", of_key(key))?;
        line(to, "owner", of_owner(key))?;
    }
    if let Some(terms) = &told.terms {
        line(to, "terms", of_terms(terms))?;
    }
    for limit in &told.limits {
        line(to, "limit", of_limit(limit))?;
    }
    if let Some(terms) = &told.terms {
        for exempt in &terms.exempt {
            line(to, "limit", format!("{exempt} of the key: exempt"))?;
        }
    }
    line(
        to,
        "passed",
        if told.steps.is_empty() { "nothing".to_owned() } else { told.steps.join(", ") },
    )?;
    line(to, "verdict", of_verdict(&told.verdict))?;
    match &told.answer {
        Some(answer) => write_answer(to, answer),
        None => Ok(()),
    }
}

fn line(to: &mut String, name: &str, text: impl fmt::Display) -> fmt::Result {
    writeln!(to, "{name:<11}{text}")
}

fn of_route(route: &RouteTold) -> String {
    let RouteTold { service, endpoint, method } = route;
    let endpoint = endpoint.as_deref().unwrap_or("without a name");
    match method {
        Some(method) => format!("service {service}, endpoint {endpoint}, method {method}"),
        None => format!("service {service}, endpoint {endpoint}, none of its methods"),
    }
}

fn of_credential(credential: &CredentialTold) -> String {
    let places = credential.places.join(", ");
    let first = credential.places.first().map_or("", String::as_str);
    match (&*credential.key, credential.in_request) {
        ("none", _) => format!("there is no key; looked for in {places}"),
        ("malformed", _) => format!("what is given can be no key; looked for in {places}"),
        (_, true) => format!("found where the request has it; looked for in {places}"),
        (_, false) => format!("taken to stand in {first}; looked for in {places}"),
    }
}

fn of_key(key: &KeyTold) -> String {
    let mut text = format!("{}, {}", key.id, key.status);
    if key.found_by_previous_scheme {
        text += ", found by the digest scheme before the present one";
    }
    for (word, time) in [("works from", &key.not_before), ("ends at", &key.expires)] {
        if let Some(time) = time {
            text += &format!(", {word} {time}");
        }
    }
    text
}

fn of_owner(key: &KeyTold) -> String {
    let application = key.application.as_deref().unwrap_or("of no name");
    if key.owner_active {
        format!("application {application}, active")
    } else {
        format!("application {application}: it or the member who owns it is not active")
    }
}

fn of_terms(terms: &TermsTold) -> String {
    let TermsTold { package, plan, active, enforced, opens, .. } = terms;
    let active = if *active { "active" } else { "inactive" };
    let opens = if *opens { "opens this call" } else { "does not open this call" };
    let enforced = if *enforced { "" } else { "; not enforced" };
    format!("package {package}, plan {plan}, {active}; {opens}{enforced}")
}

fn of_limit(told: &LimitTold) -> String {
    let LimitTold { limit, of, ceiling, used, remaining, .. } = told;
    let unit = match (told.burst, told.window_seconds) {
        (Some(burst), _) => format!("{ceiling} a second, {burst} at once"),
        (None, Some(window)) => format!("{ceiling} in {window} s"),
        (None, None) => format!("{ceiling}"),
    };
    let reset = told
        .reset_seconds
        .filter(|_| *used > 0)
        .map_or(String::new(), |reset| format!(", all back in {reset} s"));
    let admits = match (told.admits, told.enforced) {
        (true, _) => "",
        (false, true) => ": REFUSES",
        (false, false) => ": would refuse, but is not enforced",
    };
    format!("{limit} of the {of}: {unit}; {used} used, {remaining} left{reset}{admits}")
}

fn of_verdict(verdict: &Verdict) -> String {
    if verdict.admitted {
        return match &*verdict.shadow {
            [] => verdict.title.clone().unwrap_or_else(|| "admitted".to_owned()),
            shadow => format!("admitted, with {} not enforced", shadow.join(", ")),
        };
    }
    let code = verdict.code.as_deref().unwrap_or_default();
    let title = verdict.title.as_deref().unwrap_or_default();
    let retry = verdict.retry_after.map_or(String::new(), |after| format!("; again in {after} s"));
    format!("REFUSED: {code} ({title}{retry})")
}

fn write_answer(to: &mut String, answer: &Answer) -> fmt::Result {
    line(to, "the caller", format!("sees {}", answer.status))?;
    for (name, value) in &answer.headers {
        line(to, "", format!("{name}: {value}"))?;
    }
    answer.body.lines().try_for_each(|text| line(to, "", text))
}
