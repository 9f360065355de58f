//! Lists through the admin listener.

use std::time::{Duration, Instant};

use super::house::{OF_APPLICATION, id};
use super::listener::Gate;
use super::quantiles;

const ROUNDS: usize = 100;

/// What a list may take by how many match, for one in a hundred.
const FEW: u64 = 10_000;
const BOUNDS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

pub(crate) fn measure(gate: &mut Gate, keys: usize) {
    let middle = keys / OF_APPLICATION / 2;
    let one = id(keys / 2);
    let last = keys - 50;
    let of_one = format!("/applications/application-{middle}/packageKeys");
    let targets = [
        "/packageKeys".to_owned(),
        "/packageKeys?fields=id,status".to_owned(),
        format!("/packageKeys?offset={last}"),
        of_one,
        format!("/members/member-{}/packageKeys", middle / 10),
        format!("/packageKeys?filter=id:{one}"),
        format!("/packageKeys?filter=apikey:key-{}", keys / 2),
        "/packageKeys?filter=status:disabled".to_owned(),
        "/packageKeys?filter=status:active".to_owned(),
        format!("/packageKeys?filter=status:active&offset={}", last - keys / 50),
        "/packageKeys?filter=status:waiting".to_owned(),
        "/packageKeys?filter=plan.id:free,status:disabled".to_owned(),
        "/packageKeys?filter=plan.id:free".to_owned(),
        "/packageKeys?filter=plan.name:free,package.name:basic,status:active".to_owned(),
        "/packageKeys?filter=qpsLimitCeiling:7".to_owned(),
        "/packageKeys?filter=qpsLimitExempt:false".to_owned(),
        "/packageKeys?filter=eav.team:team-77".to_owned(),
        "/packageKeys?filter=created:1999-12-31".to_owned(),
        format!("/packageKeys?filter=application.name:Application%20{middle}"),
        format!("/packageKeys?filter=application.externalId:external-{middle}"),
        "/packageKeys?filter=username:user-7".to_owned(),
        "/packageKeys?filter=member.email:user-7@example.com".to_owned(),
        format!("/packageKeys?search=name:ication%20{middle}"),
        "/packageKeys?search=name:application%205".to_owned(),
        "/packageKeys?search=name:application".to_owned(),
        "/packageKeys?search=username:user-77".to_owned(),
        "/packageKeys?search=description:nothing".to_owned(),
        "/packageKeys?sort=updated:desc".to_owned(),
        "/packageKeys?sort=expires:desc".to_owned(),
        "/packageKeys?sort=qpsLimitCeiling:desc".to_owned(),
        format!("/packageKeys?sort=qpsLimitCeiling&offset={}", keys / 2),
        "/packageKeys?sort=rateLimitCeiling".to_owned(),
        "/packageKeys?sort=qpsLimitExempt:desc".to_owned(),
        "/packageKeys?sort=status:desc".to_owned(),
        "/packageKeys?sort=expires:desc&filter=status:active".to_owned(),
        "/packageKeys?sort=status&filter=plan.id:free".to_owned(),
        "/packageKeys?sort=qpsLimitCeiling&filter=status:disabled".to_owned(),
        "/applications".to_owned(),
        format!("/applications?filter=name:Application%20{middle}"),
        format!("/applications?filter=externalId:external-{middle}"),
        "/applications?search=name:application".to_owned(),
        format!("/applications?search=name:ication%20{middle}"),
        "/applications?sort=name:desc".to_owned(),
        "/members".to_owned(),
        "/members?filter=username:user-77".to_owned(),
        "/members?filter=email:user-77@example.com".to_owned(),
        "/members?search=username:ser-7".to_owned(),
    ];
    for target in targets {
        let mut took = Vec::with_capacity(ROUNDS);
        let mut total = 0;
        for _ in 0..ROUNDS {
            let began = Instant::now();
            total = gate.list(&target);
            took.push(began.elapsed());
        }
        took.sort_unstable();
        let bound = BOUNDS[usize::from(total > FEW)];
        let slow = took.iter().rev().nth(ROUNDS / 100).is_some_and(|took| *took > bound);
        let verdict = if slow { "  SLOW" } else { "" };
        println!("{target:<70} {total:>9} match  {}{verdict}", quantiles(took));
    }
}
