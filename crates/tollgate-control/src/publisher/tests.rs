mod edit;
mod fixture;
mod history;
mod leaving;
mod naive;
mod revisions;
mod upstreams;
