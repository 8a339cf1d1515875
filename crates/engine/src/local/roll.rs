//! Replaces the instances of a track one pod after the other, while the others go on serving.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use windlass_core::object::Object;

use super::compose::{Key, Wanted};
use super::{LocalError, LocalRuntime, Phase, Scope, stop_all};

/// From look to look at whether a pod is ready.
const LOOK: Duration = Duration::from_millis(50);

impl LocalRuntime {
    /// Like [`LocalRuntime::apply`], one pod at a time: `follow` is called whenever requests should go elsewhere, and a pod
    /// is stopped only after that. Ends early, without an error, when a new pod is not ready within `patience`: the pods
    /// that were not replaced yet go on serving, and whoever waits for the track finds out.
    pub async fn roll<F: Future<Output = ()>>(
        &self,
        scope: &Scope,
        objects: &[Object],
        patience: Duration,
        follow: impl Fn() -> F,
    ) -> Result<(), LocalError> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method itself is not general enough over lifetimes"
        )]
        let wanted = self
            .compose(scope, objects, |composer| composer.instances())
            .await?;
        let mut pods: BTreeMap<(String, u32), Vec<Wanted>> = BTreeMap::new();
        for one in wanted {
            let pod = (one.key.workload.clone(), one.key.replica);
            pods.entry(pod).or_default().push(one);
        }
        for (_, pod) in pods {
            let old = self.leaving(scope, &pod).await;
            if !old.is_empty() {
                follow().await;
                self.end(scope, &old).await;
            }
            self.begin(scope, &pod).await?;
            if !self.becomes_ready(scope, &pod, patience).await {
                return Ok(());
            }
            follow().await;
        }
        // What is left of workloads that are no more, and the note of what runs now.
        self.apply(scope, objects).await
    }

    /// The running instances of a pod that are not as they should be; no request should go to them from now on.
    async fn leaving(&self, scope: &Scope, pod: &[Wanted]) -> Vec<Key> {
        let instances = self.instances.lock().await;
        let differs = |one: &&Wanted| {
            let running = instances.get(&(scope.clone(), one.key.clone()));
            running.is_some_and(|running| running.digest != one.digest().to_string())
        };
        let keys: Vec<Key> = pod.iter().filter(differs).map(|one| one.key.clone()).collect();
        for key in &keys {
            if let Some(running) = instances.get(&(scope.clone(), key.clone())) {
                running.leave();
            }
        }
        keys
    }

    async fn end(&self, scope: &Scope, keys: &[Key]) {
        let mut instances = self.instances.lock().await;
        let ending = keys
            .iter()
            .filter_map(|key| instances.remove(&(scope.clone(), key.clone())))
            .collect();
        drop(instances);
        stop_all(ending, Duration::MAX).await;
    }

    async fn begin(&self, scope: &Scope, pod: &[Wanted]) -> Result<(), LocalError> {
        for one in pod {
            self.start(scope, one.clone()).await?;
        }
        Ok(())
    }

    async fn becomes_ready(&self, scope: &Scope, pod: &[Wanted], patience: Duration) -> bool {
        let began = Instant::now();
        loop {
            let instances = self.instances.lock().await;
            let ready = pod.iter().all(|one| {
                let running = instances.get(&(scope.clone(), one.key.clone()));
                running.is_some_and(|running| running.state().phase == Phase::Ready)
            });
            drop(instances);
            if ready || began.elapsed() >= patience {
                return ready;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
