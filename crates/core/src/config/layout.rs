//! Every key of `windlass.yaml` with its shape and its meaning. What keys mean together is checked elsewhere.

use super::shape::{Field, Layout, Shape, Variant};

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: true,
        doc,
    }
}

const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: false,
        doc,
    }
}

const fn word(name: &'static str, doc: &'static str) -> Variant {
    Variant {
        name,
        body: None,
        alone: true,
        doc,
    }
}

pub(super) static PLATFORM: Layout = Layout {
    what: "the platform",
    fields: &[
        required("platform", Shape::Name, "Name of the platform."),
        optional(
            "registry",
            Shape::Text,
            "Registry and prefix of image names; the embedded store by default.",
        ),
        required(
            "services",
            Shape::MapOf(&Shape::Fields(&SERVICE)),
            "The services, by name.",
        ),
        optional(
            "chart",
            Shape::Path,
            "Folder of the Helm chart, relative to this file; needed unless every environment has an `application`.",
        ),
        required(
            "edge",
            Shape::Name,
            "The Service where customer traffic enters; the switch happens here.",
        ),
        required(
            "environments",
            Shape::MapOf(&Shape::Fields(&ENVIRONMENT)),
            "The environments, in the order of promotion.",
        ),
        optional(
            "ci",
            Shape::List(&Shape::Fields(&STEP)),
            "What a commit must pass, in order.",
        ),
        optional(
            "notify",
            Shape::List(&Shape::Text),
            "URLs that are told of every deployment.",
        ),
    ],
};

static SERVICE: Layout = Layout {
    what: "a service",
    fields: &[
        optional("build", Shape::Fields(&BUILD), "How its image is built."),
        optional("image", Shape::Text, "A finished image, instead of `build`."),
        optional(
            "needs",
            Shape::List(&Shape::Name),
            "Services that must be up before it.",
        ),
        optional(
            "component",
            Shape::Name,
            "What part of the platform it is: a label of its objects.",
        ),
    ],
};

static BUILD: Layout = Layout {
    what: "a build",
    fields: &[
        optional(
            "cargo",
            Shape::Name,
            "The Cargo package whose binary becomes the image.",
        ),
        optional(
            "features",
            Shape::List(&Shape::Text),
            "Cargo features to build with.",
        ),
        optional(
            "assets",
            Shape::List(&Shape::Path),
            "Files and folders that are put beside the binary.",
        ),
        optional(
            "dockerfile",
            Shape::Path,
            "A Dockerfile to build with, instead of `cargo`.",
        ),
        optional(
            "context",
            Shape::Path,
            "Folder that the Dockerfile sees; its own folder by default.",
        ),
    ],
};

static STEP: Layout = Layout {
    what: "a step",
    fields: &[
        required("name", Shape::Name, "Name of the step."),
        required(
            "run",
            Shape::List(&Shape::Text),
            "Program and arguments; no shell.",
        ),
        optional("timeout", Shape::Duration, "Longest run; 15m by default."),
    ],
};

static ENVIRONMENT: Layout = Layout {
    what: "an environment",
    fields: &[
        optional(
            "runtime",
            Shape::Tagged(RUNTIMES),
            "Where it runs; `local` by default.",
        ),
        optional(
            "source",
            Shape::Fields(&SOURCE),
            "What it follows; needed unless there is an `application`.",
        ),
        optional(
            "application",
            Shape::Either(APPLICATION),
            "Argo CD's Application that says what it follows, where its objects are and where they go; instead of `source`, `values` and the chart.",
        ),
        optional(
            "port",
            Shape::Count { min: 1, max: 65_535 },
            "Port of this machine for its customers.",
        ),
        optional(
            "deploy",
            Shape::Either(DEPLOY),
            "When a release is deployed; `auto` by default.",
        ),
        optional(
            "break-glass",
            Shape::List(&Shape::Text),
            "Who may pass the gates in an emergency; whoever may approve by default.",
        ),
        optional(
            "strategy",
            Shape::Tagged(STRATEGIES),
            "How a release replaces the one before; `blue-green` by default.",
        ),
        optional(
            "watch",
            Shape::Duration,
            "How long a release is watched and the one before kept warm; `30m` by default.",
        ),
        optional(
            "values",
            Shape::List(&Shape::Path),
            "Values files; `values.<environment>.yaml` beside the chart by default.",
        ),
        optional(
            "health-scripts",
            Shape::List(&Shape::Path),
            "Scripts that say whether objects are healthy, as Argo CD takes them: folders with `<group>/<Kind>/health.lua`, and files with a ConfigMap `argocd-cm`. For clusters.",
        ),
        optional(
            "promote-from",
            Shape::Name,
            "Only releases that are healthy in this environment are deployed.",
        ),
        optional(
            "gates",
            Shape::Fields(&GATES),
            "What must be proved before a deployment.",
        ),
        optional(
            "freeze",
            Shape::List(&Shape::Fields(&FREEZE)),
            "Times without deployments; rollbacks are never held up.",
        ),
        optional(
            "analysis",
            Shape::Fields(&ANALYSIS),
            "How a new release is judged by its traffic.",
        ),
        optional(
            "verify",
            Shape::List(&Shape::Fields(&STEP)),
            "Integration tests of the new track before customers meet it: programs that run in a checkout of the release's commit, one after the other, with its address in `PREVIEW_URL` (`http://host:port`); all must end with status 0.",
        ),
    ],
};

static APPLICATION: &[Shape] = &[Shape::Path, Shape::Fields(&MANIFEST)];

static MANIFEST: Layout = Layout {
    what: "an application",
    fields: &[
        required("file", Shape::Path, "The file with the manifest."),
        required(
            "name",
            Shape::Text,
            "The Application's name, where the file has several.",
        ),
    ],
};

static RUNTIMES: &[Variant] = &[
    word("local", "Processes on this machine."),
    Variant {
        name: "kubernetes",
        body: Some(&Shape::Fields(&KUBERNETES)),
        alone: false,
        doc: "A Kubernetes cluster.",
    },
];

static KUBERNETES: Layout = Layout {
    what: "a cluster",
    fields: &[
        optional(
            "context",
            Shape::Text,
            "Context of the kubeconfig; its current one by default.",
        ),
        required("namespace", Shape::Name, "Namespace of the objects."),
        optional(
            "impersonate",
            Shape::Fields(&IMPERSONATE),
            "Whom the cluster takes the controller for here; whoever the kubeconfig says by default.",
        ),
    ],
};

static IMPERSONATE: Layout = Layout {
    what: "an identity",
    fields: &[
        required(
            "user",
            Shape::Text,
            "A user: a name, or system:serviceaccount:NAMESPACE:NAME.",
        ),
        optional("groups", Shape::List(&Shape::Text), "Groups of the user."),
    ],
};

static SOURCE: Layout = Layout {
    what: "a source",
    fields: &[
        optional(
            "worktree",
            Shape::Path,
            "Files as they are on disk, committed or not.",
        ),
        optional("branch", Shape::Text, "Commits of a branch."),
        optional(
            "repository",
            Shape::Text,
            "Repository of the branch: a URL or a path; the one of this file by default.",
        ),
    ],
};

static DEPLOY: &[Shape] = &[
    Shape::Tagged(&[
        word("auto", "As soon as the gates allow it."),
        word("manual", "When one person approves it."),
    ]),
    Shape::Fields(&APPROVALS),
];

static APPROVALS: Layout = Layout {
    what: "approvals",
    fields: &[
        required(
            "approvals",
            Shape::Count { min: 1, max: 20 },
            "How many different people must approve.",
        ),
        optional(
            "expires",
            Shape::Duration,
            "How long an approval counts; `24h` by default.",
        ),
        optional(
            "people",
            Shape::List(&Shape::Text),
            "Whose approval counts; anybody's by default.",
        ),
    ],
};

static STRATEGIES: &[Variant] = &[
    word(
        "recreate",
        "Stop the old, start the new; requests wait meanwhile. For development.",
    ),
    word(
        "blue-green",
        "Start the new beside the old, switch at once, keep the old warm.",
    ),
    Variant {
        name: "rolling",
        body: Some(&Shape::Fields(&ROLLING)),
        alone: true,
        doc: "Replace a few replicas at a time.",
    },
    Variant {
        name: "canary",
        body: Some(&Shape::Fields(&CANARY)),
        alone: false,
        doc: "Move customers over in steps.",
    },
];

static ROLLING: Layout = Layout {
    what: "a rolling update",
    fields: &[
        optional(
            "max-surge",
            Shape::CountOrShare,
            "Replicas above the wanted number; `1` by default.",
        ),
        optional(
            "max-unavailable",
            Shape::CountOrShare,
            "Replicas below the wanted number; `0` by default.",
        ),
    ],
};

static CANARY: Layout = Layout {
    what: "a canary",
    fields: &[required(
        "steps",
        Shape::List(&Shape::Tagged(STEPS)),
        "Weights and pauses, in order.",
    )],
};

static STEPS: &[Variant] = &[
    Variant {
        name: "weight",
        body: Some(&Shape::Count { min: 0, max: 100 }),
        alone: false,
        doc: "Percent of new customers on the new release.",
    },
    Variant {
        name: "pause",
        body: Some(&Shape::Duration),
        alone: false,
        doc: "Wait this long while the release is watched.",
    },
    word("approval", "Wait for a person."),
];

static GATES: Layout = Layout {
    what: "gates",
    fields: &[
        optional(
            "checklist",
            Shape::List(&Shape::Name),
            "Checklist items that need evidence before the deployment.",
        ),
        optional(
            "after",
            Shape::List(&Shape::Name),
            "Checklist items that need evidence after it, before it is closed.",
        ),
        optional(
            "severity",
            Shape::Words(&["low", "medium", "high", "critical"]),
            "Findings from this severity on deny; `high` by default.",
        ),
        optional(
            "soak",
            Shape::Duration,
            "How long the release must have been healthy in `promote-from`.",
        ),
        optional("signed", Shape::Flag, "Whether only signed images are deployed."),
    ],
};

static FREEZE: Layout = Layout {
    what: "a freeze",
    fields: &[
        required("reason", Shape::Text, "Why; shown to whoever waits."),
        optional(
            "days",
            Shape::List(&Shape::Words(&super::freeze::DAYS)),
            "Days of the week on which it starts.",
        ),
        optional("from", Shape::Text, "Time of day at which it starts, `16:00`."),
        optional(
            "for",
            Shape::Duration,
            "How long it lasts, with `days`; `24h` by default.",
        ),
        optional(
            "offset",
            Shape::Text,
            "Offset of the time of day from UTC, `+02:00`; `+00:00` by default.",
        ),
        optional(
            "start",
            Shape::Text,
            "Start of a single freeze, `2026-12-20T00:00:00Z`.",
        ),
        optional("end", Shape::Text, "End of a single freeze."),
    ],
};

static ANALYSIS: Layout = Layout {
    what: "an analysis",
    fields: &[
        optional(
            "every",
            Shape::Duration,
            "From measurement to measurement; `1s` by default.",
        ),
        optional(
            "alpha",
            Shape::Share,
            "Share of good releases that may be called bad; `1%` by default.",
        ),
        optional(
            "errors",
            Shape::Share,
            "Largest share of failed requests; `1%` by default.",
        ),
        optional(
            "worse-by",
            Shape::Share,
            "Difference from the old release that does not matter; `0.1%` by default.",
        ),
        optional(
            "latency-p99",
            Shape::Duration,
            "Longest 99th percentile; no limit by default.",
        ),
        optional(
            "requests",
            Shape::Count {
                min: 0,
                max: 1_000_000,
            },
            "Fewest requests for a verdict; `100` by default.",
        ),
        optional(
            "inconclusive",
            Shape::Words(&["wait", "promote", "rollback"]),
            "What to do with too little traffic; `promote` by default.",
        ),
        optional(
            "business",
            Shape::MapOf(&Shape::Fields(&BUSINESS)),
            "Business metrics, by name.",
        ),
    ],
};

static BUSINESS: Layout = Layout {
    what: "a business metric",
    fields: &[
        required("service", Shape::Name, "The service whose metrics are read."),
        required(
            "good",
            Shape::Text,
            "Counter of what went well, for example `shop_orders_paid_total`.",
        ),
        required(
            "of",
            Shape::Text,
            "Counter of all, for example `shop_checkouts_started_total`.",
        ),
        optional("min", Shape::Share, "Smallest share that is accepted."),
        optional(
            "drop",
            Shape::Share,
            "Largest drop below the old release; `5%` by default.",
        ),
    ],
};
