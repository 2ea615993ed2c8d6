//! Configuration: the names of two buckets.

use aws::{BadConfig, Vars};

#[derive(Debug, Clone)]
pub struct Config {
    pub locked_bucket: String,
    pub derived_bucket: String,
}

impl Config {
    /// # Errors
    /// Every missing variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let locked = vars.require("CS_BUCKET_LOCKED", "the locked bucket's name");
        let derived = vars.require("CS_BUCKET_DERIVED", "the derived bucket's name");
        let config =
            locked.zip(derived).map(|(locked_bucket, derived_bucket)| Self { locked_bucket, derived_bucket });
        vars.finish(config)
    }
}
