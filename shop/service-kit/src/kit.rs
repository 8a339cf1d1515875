//! What a service is given at its start, and what it gives back.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::HeaderValue;

use crate::client::{Clients, Upstream};
use crate::faults::Faults;
use crate::metrics::Metrics;
use crate::migration::{Phase, Schema};
use crate::readiness::Readiness;
use crate::settings::{SettingError, Settings};
use crate::{Problem, middleware};

/// A service: its name, its port, its schema, and how its routes are built.
pub trait Definition: Send + Sync + 'static {
    /// As in `/version`.
    const NAME: &'static str;
    /// Default of `PORT`.
    const PORT: u16;
    /// What it offers, as an OpenAPI document; served at `/openapi.json`.
    const OPENAPI: Option<&'static str> = None;
    /// Of a service with data.
    const SCHEMA: Option<Schema> = None;

    /// Builds routes and background work. It must not wait for anything outside; readiness checks do that.
    fn build(kit: Kit) -> impl Future<Output = Result<Parts, StartError>> + Send;

    /// Fills an empty database after `migrate expand`. Runs each time, so it must be repeatable.
    fn seed(
        _store: &crate::store::Store,
        _settings: &Settings,
    ) -> impl Future<Output = Result<(), StartError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Runs the changes up to this phase, and fills what is empty, in a store that is no SQL database. Repeatable too.
    fn migrate_elsewhere(
        _phase: Phase,
        _settings: &Settings,
    ) -> impl Future<Output = Result<(), StartError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Wrong configuration: exit code 2.
    #[error("wrong configuration: {0}")]
    Setting(#[from] SettingError),
    /// Anything else: exit code 1.
    #[error("{0}")]
    Failed(String),
}

/// Work that runs beside the requests until the process ends.
pub type Background = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a service consists of.
#[derive(Default)]
pub struct Parts {
    /// Routes of the public port. Start from [`Kit::router`].
    pub public: Router,
    /// More routes of the administration port.
    pub admin: Router,
    /// Work beside the requests.
    pub background: Vec<Background>,
}

impl Parts {
    /// Only public routes.
    pub fn of(public: Router) -> Self {
        Self {
            public,
            ..Self::default()
        }
    }

    /// With more routes on the administration port.
    #[must_use]
    pub fn admin(mut self, admin: Router) -> Self {
        self.admin = admin;
        self
    }

    /// With work beside the requests.
    #[must_use]
    pub fn beside(mut self, work: impl Future<Output = ()> + Send + 'static) -> Self {
        self.background.push(Box::pin(work));
        self
    }
}

/// `SHOP_ENV`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Migrates by itself at the start.
    Development,
    /// As production.
    Staging,
    /// Real customers.
    Production,
}

/// What every part of a service can reach. A clone is the same thing.
#[derive(Clone)]
pub struct Kit {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    /// Name and version, as every answer says them.
    pub(crate) served_by: Option<HeaderValue>,
    pub(crate) environment: Environment,
    pub(crate) grace: Duration,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    pub(crate) http: middleware::HttpMetrics,
    pub(crate) readiness: Readiness,
    pub(crate) schema: Option<Schema>,
    pub(crate) faults: Faults,
    pub(crate) clients: Clients,
    pub(crate) store: Option<crate::store::Store>,
}

impl Kit {
    pub(crate) fn new<D: Definition>(settings: &Settings) -> Result<Self, SettingError> {
        let metrics = Metrics::default();
        let faults = Faults::of(settings)?;
        let ready = metrics
            .gauge("shop_ready", "1 when the service can serve.", &[])
            .with(&[]);
        let readiness = Readiness::new(ready);
        let version = settings.text("APP_VERSION", "dev");
        let build = metrics.gauge(
            "shop_build_info",
            "Always 1; says what runs.",
            &["service", "version"],
        );
        build.with(&[D::NAME, &version]).set(1);
        let environment = match settings.choice(
            "SHOP_ENV",
            &["development", "staging", "production"],
            "development",
        )? {
            "production" => Environment::Production,
            "staging" => Environment::Staging,
            _ => Environment::Development,
        };
        let schema = D::SCHEMA.map(|schema| faults.schema(schema));
        let inner = Inner {
            name: D::NAME,
            environment,
            grace: settings.duration("SHUTDOWN_GRACE", "20s")?,
            http: middleware::HttpMetrics::new(&metrics),
            store: schema
                .filter(|schema| schema.elsewhere(settings).is_none())
                .map(|schema| crate::store::Store::open(D::NAME, schema, settings))
                .transpose()?,
            clients: Clients::new(&metrics),
            settings: settings.clone(),
            served_by: HeaderValue::from_str(&format!("{}/{version}", D::NAME)).ok(),
            version,
            metrics,
            readiness,
            schema,
            faults,
        };
        let kit = Self {
            inner: Arc::new(inner),
        };
        kit.register_checks();
        Ok(kit)
    }

    fn register_checks(&self) {
        if let (Some(store), Some(schema)) = (self.inner.store.clone(), self.inner.schema) {
            let readiness = self.inner.readiness.clone();
            self.inner.readiness.check("database", move || {
                let (store, readiness) = (store.clone(), readiness.clone());
                async move {
                    let (found, floor) = store.probe().await?;
                    readiness.set_schema_found(found);
                    schema.range.refuses(found, floor).map_or(Ok(()), Err)
                }
            });
        }
        if let Some(check) = self.inner.faults.readiness() {
            self.inner
                .readiness
                .check("fault", move || std::future::ready(check()));
        }
    }

    /// A router whose unknown paths are answered as problems.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new().fallback(async || Problem::not_found("page"))
    }

    /// The variables.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The registry of this service.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Name of the service.
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// `APP_VERSION`.
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// `SHOP_ENV`.
    pub fn environment(&self) -> Environment {
        self.inner.environment
    }

    /// Faults that this process was told to have.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Whether SIGTERM has come: long background work should not begin any more.
    pub fn is_draining(&self) -> bool {
        self.inner.readiness.is_draining()
    }

    /// A further condition of `/ready`; `Err` says what is wrong. Each run has 400 ms.
    pub fn check<F, R>(&self, name: &'static str, check: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.inner.readiness.check(name, check);
    }

    /// Another service, whose address is in `variable`; `name` is for messages and metrics.
    pub fn upstream(&self, name: &'static str, variable: &str) -> Result<Upstream, SettingError> {
        Ok(self
            .inner
            .clients
            .upstream(name, &self.inner.settings.url(variable)?))
    }

    /// Another service at a given address, `http://host:port`.
    pub fn upstream_at(&self, name: &'static str, url: &str) -> Result<Upstream, SettingError> {
        let address = Settings::of([(name, url.to_owned())]).url(name)?;
        Ok(self.inner.clients.upstream(name, &address))
    }

    /// The address of this service's store when it is no SQL database.
    pub fn elsewhere(&self) -> Option<&str> {
        self.inner.schema?.elsewhere(&self.inner.settings)
    }

    /// The schemas that this version knows.
    pub fn schema(&self) -> Option<Schema> {
        self.inner.schema
    }

    /// Says in `/ready` which schema a store elsewhere has.
    pub fn set_schema_found(&self, number: i64) {
        self.inner.readiness.set_schema_found(number);
    }

    /// The database of this service.
    pub fn store(&self) -> Result<crate::store::Store, StartError> {
        self.inner
            .store
            .clone()
            .ok_or_else(|| StartError::Failed(format!("{} has no SQL database", self.inner.name)))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }
}
