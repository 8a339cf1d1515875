//! What the demo releases, and how it should end. Data; what really happens is read from the controller.

/// One release of the demo.
#[derive(Debug)]
pub(super) struct Act {
    /// What it is called in the report.
    pub(super) name: &'static str,
    /// The commit's message.
    pub(super) message: &'static str,
    /// What a person should know while it runs.
    pub(super) story: &'static str,
    /// What its commit changes.
    pub(super) change: Change,
    /// How its rollout in production should end.
    pub(super) expected: &'static str,
    /// Who or what should decide so, and a word of the reason that only this cause has.
    pub(super) because: (&'static str, &'static str),
    /// Whether the controller is killed while its traffic is switched.
    pub(super) kill: bool,
}

/// What a commit changes.
#[derive(Debug)]
pub(super) enum Change {
    /// Nothing: the files of the checkout.
    Nothing,
    /// A sentence in a source file; its service is built again.
    Source {
        /// The file.
        path: &'static str,
        /// What it says.
        from: &'static str,
        /// What it will say.
        to: &'static str,
    },
    /// A fault that a service has in production only, so that staging finds nothing.
    Fault {
        /// The service.
        service: &'static str,
        /// As in shop/README.md.
        fault: &'static str,
    },
}

/// The five releases, in order.
pub(super) const ACTS: [Act; 5] = [
    Act {
        name: "good",
        message: "Open the shop",
        story: "the first release; nobody is in the shop yet",
        change: Change::Nothing,
        expected: "promoted",
        because: ("analysis", ""),
        kill: false,
    },
    Act {
        name: "visible-change",
        message: "Say hello differently",
        story: "a change of the source that customers can see; the controller is killed in the middle of its switch",
        change: Change::Source {
            path: "shop/storefront/src/page.rs",
            from: "Delivery and returns",
            to: "Delivery within two days, and returns",
        },
        expected: "promoted",
        because: ("analysis", ""),
        kill: true,
    },
    Act {
        name: "never-ready",
        message: "Tune the start of the cart",
        story: "its cart never becomes ready, so no customer may ever meet it",
        change: Change::Fault {
            service: "cart-service",
            fault: "never_ready",
        },
        expected: "refused",
        because: ("readiness", "cart-service"),
        kill: false,
    },
    Act {
        name: "declines-payments",
        message: "Check cards more strictly",
        story: "passes every check, then declines payments with correct answers: only the business metric sees it",
        change: Change::Fault {
            service: "order-service",
            fault: "conversion_drop=0.7",
        },
        expected: "rolled-back",
        because: ("analysis", "paid-checkouts"),
        kill: false,
    },
    Act {
        name: "slow",
        message: "Compute recommendations",
        story: "every answer is right, but many are slow",
        change: Change::Fault {
            service: "api-gateway",
            fault: "latency=600ms:0.5",
        },
        expected: "rolled-back",
        because: ("analysis", "took longer"),
        kill: false,
    },
];

/// What is shortened in the demo's copy because it takes long in earnest: file, what it says, what it will say.
pub(super) const SHORTER: [(&str, &str, &str); 3] = [
    ("windlass.yaml", "watch: 60s", "watch: 2s"),
    ("windlass.yaml", "watch: 30m", "watch: 8s"),
    (
        "charts/ecommerce-platform/templates/deployments.yaml",
        "progressDeadlineSeconds: 300",
        "progressDeadlineSeconds: 10",
    ),
];
/// The ports that the checkout's environments have; the demo takes free ones.
pub(super) const STAGING_PORT: &str = "port: 3100";
/// The same of production.
pub(super) const PRODUCTION_PORT: &str = "port: 3200";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ACTS, Change, PRODUCTION_PORT, SHORTER, STAGING_PORT};

    #[test]
    fn the_checkout_says_everything_that_the_demo_changes() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let changes = ACTS.iter().filter_map(|act| match &act.change {
            Change::Source { path, from, .. } => Some((*path, *from)),
            Change::Nothing | Change::Fault { .. } => None,
        });
        let shorter = SHORTER.iter().map(|(path, from, _)| (*path, *from));
        let ports = [
            ("windlass.yaml", STAGING_PORT),
            ("windlass.yaml", PRODUCTION_PORT),
        ];
        for (path, from) in changes.chain(shorter).chain(ports) {
            let text = std::fs::read_to_string(root.join(path)).unwrap();
            assert!(text.contains(from), "{path} does not say {from:?}");
        }
    }
}
