//! Brands of generated keys.

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};
use crate::model::Brand;

/// What generated keys begin with.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct BrandKind;

impl Kind for BrandKind {
    type Value = Brand;

    fn expected(&self) -> String {
        "what generated keys begin with, 1 to 32 of A-Z a-z 0-9".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Brand, Misfit> {
        Brand::new(string(value)?).ok_or_else(Misfit::plain)
    }

    fn show(&self, value: &Brand) -> String {
        format!("{value:?}")
    }
}
