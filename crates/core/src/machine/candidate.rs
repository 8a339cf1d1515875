//! Which release an environment should have by its source. It compares; it starts nothing.

use super::state::{Known, Lane, Phase, Purpose, Rollout, State};

impl State {
    /// The release that the lane's source wants here now, if it is not live already and not kept out.
    pub(super) fn candidate(&self, lane: &Lane) -> Option<&Known> {
        if lane.removed {
            return None;
        }
        let head = self.heads.get(lane.branch())?;
        let Some(from) = &lane.config.promote_from else {
            let known = self.known_commit(&head.commit)?;
            return Some(known).filter(|known| welcome(lane, known));
        };
        let before = self.lane(from)?;
        self.releases
            .values()
            .filter(|known| head.contains.contains(&known.release.commit))
            .filter(|known| before.vouches_for(&known.release.id).is_some())
            .filter(|known| welcome(lane, known))
            .filter(|known| self.newer_than_live(lane, known))
            .max_by_key(|known| known.order)
    }

    /// Sync never goes back by itself, unless the branch was rewritten and no longer contains what serves.
    fn newer_than_live(&self, lane: &Lane, known: &Known) -> bool {
        let Some(live) = lane
            .live
            .as_ref()
            .and_then(|live| self.releases.get(&live.release))
        else {
            return true;
        };
        let contained = self
            .heads
            .get(lane.branch())
            .is_some_and(|head| head.contains.contains(&live.release.commit));
        known.order > live.order || !contained
    }

    /// A newer release that takes the place of the rollout in progress.
    pub(super) fn successor(&self, lane: &Lane, rollout: &Rollout) -> Option<&Known> {
        match rollout.purpose {
            Purpose::Sync => {}
            Purpose::Asked(_) | Purpose::Back(_) => return None,
        }
        let before_customers = match rollout.phase {
            Phase::Prepare
            | Phase::Gates
            | Phase::StopOld
            | Phase::Migrate
            | Phase::Start
            | Phase::Ready
            | Phase::Verify
            | Phase::Canary => true,
            // Once all customers are on it, the old release stays warm for the whole watch.
            Phase::Switch | Phase::Watch | Phase::Return | Phase::Clean => false,
        };
        let candidate = self.candidate(lane).filter(|_| before_customers)?;
        Some(candidate).filter(|candidate| candidate.release.id != rollout.release)
    }
}

/// Neither live nor kept out.
fn welcome(lane: &Lane, known: &Known) -> bool {
    let live = lane
        .live
        .as_ref()
        .is_some_and(|live| live.release == known.release.id);
    !live && lane.held(&known.release.id).is_none()
}
