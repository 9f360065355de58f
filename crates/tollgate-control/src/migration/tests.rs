//! What readers make of samples of each product's documents, and of anything else.

mod any;
mod round;
mod samples;
