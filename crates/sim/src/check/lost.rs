//! No request is lost while a ready track exists: where there are two tracks, customers are never led to one on which
//! nothing runs that was ready. What dies under them is another matter: how soon they are led away is.

use super::{Checker, Sight};
use crate::world::Runtime;

#[derive(Debug)]
pub(super) struct Lost;

impl Checker for Lost {
    fn name(&self) -> &'static str {
        "no request is lost while a ready track exists"
    }

    fn see(&mut self, sight: &Sight<'_>) -> Result<(), String> {
        for (name, proxy) in sight.world.proxies() {
            let in_place = sight.world.runtimes().get(name).is_some_and(Runtime::is_in_place);
            if !in_place && proxy.misled > 0 {
                return Err(format!(
                    "{name}: {} of {} lost requests",
                    proxy.misled, proxy.lost
                ));
            }
        }
        Ok(())
    }
}
