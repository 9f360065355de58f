//! What the sections of one reading write down.

use std::cell::RefCell;
use std::mem;

use super::{Knob, Problem, Problems, Warnings};

/// Shared by all sections of one reading, those of the keys folder included.
pub(super) struct Report {
    findings: RefCell<Findings>,
    /// Set when the reader is asked for its knobs; no finding of such a reading counts.
    probe: bool,
}

#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    knobs: Vec<Knob>,
}

impl Report {
    pub(super) fn of_problems() -> Self {
        Self { findings: RefCell::default(), probe: false }
    }

    pub(super) fn of_knobs() -> Self {
        Self { findings: RefCell::default(), probe: true }
    }

    pub(super) fn is_probe(&self) -> bool {
        self.probe
    }

    pub(super) fn problem(&self, problem: Problem) {
        if !self.probe {
            self.findings.borrow_mut().problems.push(problem);
        }
    }

    pub(super) fn warning(&self, warning: Problem) {
        if !self.probe {
            self.findings.borrow_mut().warnings.push(warning);
        }
    }

    pub(super) fn knob(&self, knob: Knob) {
        let knobs = &mut self.findings.borrow_mut().knobs;
        if !knobs.contains(&knob) {
            knobs.push(knob);
        }
    }

    pub(super) fn take(&self) -> (Problems, Warnings) {
        let findings = mem::take(&mut *self.findings.borrow_mut());
        (findings.problems.into_iter().collect(), findings.warnings.into_iter().collect())
    }

    pub(super) fn take_knobs(&self) -> Vec<Knob> {
        mem::take(&mut self.findings.borrow_mut().knobs)
    }
}
