//! Which templates a name can stand for: those of the charts, and those that `tpl` texts define within themselves.

use std::rc::Rc;
use std::sync::Arc;

use crate::template::node::Template;
use crate::template::parse::Parsed;

#[derive(Debug)]
pub(crate) struct Scope {
    outer: Option<Rc<Scope>>,
    templates: Arc<Parsed>,
}

impl Scope {
    pub(super) fn base(templates: Arc<Parsed>) -> Self {
        Self {
            outer: None,
            templates,
        }
    }

    /// A scope in which `parsed` goes before what `outer` has. An empty template never replaces another.
    pub(super) fn within(outer: &Rc<Self>, parsed: &Arc<Parsed>) -> Self {
        let hides_nothing = parsed
            .values()
            .all(|it| !it.empty || outer.find(&it.name).is_none());
        let templates = if hides_nothing {
            parsed.clone()
        } else {
            let kept = parsed
                .iter()
                .filter(|(name, it)| !it.empty || outer.find(name).is_none());
            Arc::new(kept.map(|(name, it)| (name.clone(), it.clone())).collect())
        };
        Self {
            outer: Some(outer.clone()),
            templates,
        }
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<Arc<Template>> {
        if let Some(template) = self.templates.get(name) {
            return Some(template.clone());
        }
        self.outer.as_ref()?.find(name)
    }
}
