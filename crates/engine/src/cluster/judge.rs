//! By whose health scripts the objects of an environment are judged: those of the release that is being rolled out, and of the
//! one that serves when the controller starts.

use windlass_core::health::Status;
use windlass_core::machine::event::Color;

use super::{Lane, Seen, Trouble};
use crate::world::World;

impl Lane {
    /// Has the scripts of a release in force.
    pub(crate) async fn judge_by(
        &self,
        world: &World,
        environment: &str,
        release: &str,
    ) -> Result<(), Trouble> {
        let mut judged_by = self.judged_by.lock().await;
        if judged_by.as_deref() == Some(release) {
            return Ok(());
        }
        self.bring_in(&mut judged_by, world, environment, release).await
    }

    /// Has the scripts of the release that serves in force, unless a newer one brought its own.
    pub(crate) async fn judge_at_first(
        &self,
        world: &World,
        environment: &str,
        release: &str,
    ) -> Result<(), Trouble> {
        // Held to the end, or what a newer release brings in meanwhile would be replaced by these.
        let mut judged_by = self.judged_by.lock().await;
        if judged_by.is_some() {
            return Ok(());
        }
        self.bring_in(&mut judged_by, world, environment, release).await
    }

    async fn bring_in(
        &self,
        judged_by: &mut Option<String>,
        world: &World,
        environment: &str,
        release: &str,
    ) -> Result<(), Trouble> {
        let scripts = world.shelf.scripts(&world.ledger, environment, release).await;
        self.cluster.judge(scripts).await?;
        *judged_by = Some(release.to_owned());
        Ok(())
    }
}

/// The first object of a track, or of both, that its script does not call healthy, and why.
pub(super) fn troubled(seen: &Seen, color: Color) -> Option<String> {
    let own = seen.tracks.get(&color).map(|track| track.judged.as_slice());
    let all = own.unwrap_or_default().iter().chain(&seen.shared_judged);
    let bad = all.filter(|it| it.health.status != Status::Healthy);
    // The first of several that are as bad.
    let worst = bad.min_by_key(|it| std::cmp::Reverse(it.health.status))?;
    let message = match worst.health.message.as_str() {
        "" => "it gives no reason",
        message => message,
    };
    Some(format!(
        "{} is {}: {message}",
        worst.object,
        word(worst.health.status)
    ))
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Healthy => "healthy",
        Status::Suspended => "suspended",
        Status::Progressing => "progressing",
        Status::Missing => "missing",
        Status::Degraded => "degraded",
        Status::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use windlass_core::health::Health;

    use super::*;
    use crate::cluster::{Judged, SeenTrack};

    #[test]
    fn the_worst_object_is_named_with_what_its_script_says() {
        let judged = |object: &str, status, message: &str| Judged {
            object: object.to_owned(),
            health: Health::new(status, message),
        };
        let mut seen = Seen::default();
        assert_eq!(troubled(&seen, Color::Green), None);
        let track = SeenTrack {
            judged: vec![
                judged("Certificate/a", Status::Healthy, "fine"),
                judged("Certificate/b", Status::Progressing, "Issuing"),
            ],
            ..SeenTrack::default()
        };
        seen.tracks.insert(Color::Green, track);
        let says = |seen: &Seen, color| troubled(seen, color).unwrap_or_default();
        assert_eq!(says(&seen, Color::Green), "Certificate/b is progressing: Issuing");
        assert_eq!(says(&seen, Color::Blue), "");
        seen.shared_judged.push(judged("Issuer/c", Status::Degraded, ""));
        assert_eq!(
            says(&seen, Color::Green),
            "Issuer/c is degraded: it gives no reason"
        );
        assert_eq!(
            says(&seen, Color::Blue),
            "Issuer/c is degraded: it gives no reason"
        );
    }
}
