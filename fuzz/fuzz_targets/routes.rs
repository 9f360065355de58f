//! The tree finds what a naive search through all patterns finds: the most specific.
//!
//! The first line is a host and a path, each other one a pattern with a host before it: nothing,
//! a name, or `*.` and a name.
#![no_main]

use std::cmp::Reverse;

use http::Method;
use libfuzzer_sys::fuzz_target;
use tollgate_core::{
    EndpointId, FrontId, HostPattern, Route, RoutesBuilder, Segment, normalize_path,
};

struct Pattern<'a> {
    host: HostPattern,
    segments: Vec<&'a str>,
}

impl<'a> Pattern<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let (host, path) = line.split_at_checked(line.find('/')?)?;
        let host = match host.strip_prefix('*') {
            Some(below) if below.len() > 1 && below.starts_with('.') => {
                HostPattern::Below(below.to_ascii_lowercase().into())
            }
            _ if host.is_empty() => HostPattern::Every,
            _ => HostPattern::Name(host.to_ascii_lowercase().into()),
        };
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let rest = segments.iter().position(|segment| *segment == "**");
        let right = rest.is_none_or(|at| at + 1 == segments.len());
        right.then_some(Self { host, segments })
    }

    /// How specific the host is, if it is the one.
    fn host_rank(&self, host: &str) -> Option<(u8, usize)> {
        match &self.host {
            HostPattern::Every => Some((0, 0)),
            HostPattern::Name(name) => (**name == *host).then_some((2, 0)),
            HostPattern::Below(suffix) => {
                let below = host.len() > suffix.len() && host.ends_with(&**suffix);
                below.then_some((1, suffix.len()))
            }
        }
    }

    /// How specific each segment is, if all match.
    fn path_rank(&self, path: &[&str]) -> Option<Vec<u8>> {
        let mut rank = Vec::new();
        for (at, pattern) in self.segments.iter().enumerate() {
            match *pattern {
                "**" => {
                    rank.push(0);
                    return Some(rank);
                }
                "*" => rank.push(path.get(at).map(|_| 1)?),
                literal => {
                    rank.push(path.get(at).filter(|segment| **segment == literal).map(|_| 2)?)
                }
            }
        }
        rank.push(3);
        (path.len() == self.segments.len()).then_some(rank)
    }

    fn compiled(&self) -> Vec<Segment> {
        let segment = |segment: &&str| match *segment {
            "**" => Segment::Rest,
            "*" => Segment::Any,
            literal => Segment::Literal(literal.into()),
        };
        self.segments.iter().map(segment).collect()
    }
}

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let Some((host, path)) = lines.next().and_then(|line| line.split_at_checked(line.find('/')?))
    else {
        return;
    };
    let Ok(path) = normalize_path(path) else { return };
    let patterns: Vec<_> = lines.filter_map(Pattern::of).take(64).collect();
    let mut builder = RoutesBuilder::default();
    for (number, pattern) in patterns.iter().enumerate() {
        let endpoint = EndpointId(u32::try_from(number).unwrap());
        let route = Route { front: FrontId(0), endpoint, method: None };
        builder.route(&pattern.host, &pattern.compiled(), route, &[]);
    }
    let found = builder.build().find(host, &path, &Method::GET);
    let found = found.ok().map(|route| route.endpoint.0 as usize);

    let host = host.to_ascii_lowercase();
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let ranked = patterns.iter().enumerate().filter_map(|(number, pattern)| {
        let rank = (pattern.host_rank(&host)?, pattern.path_rank(&segments)?);
        // Of two that match the same, the first.
        Some((rank, Reverse(number)))
    });
    assert_eq!(found, ranked.max().map(|(_, Reverse(number))| number));
});
