//! Passwords: argon2id, a bounded number at the same time, and the same work whether or not an account exists.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use service_kit::{Problem, SettingError, Settings};
use tokio::sync::Semaphore;

const FORM: &str = "memory in KiB, passes, lanes, such as 12288,3,1";
/// Requests that may wait for a turn; more are sent away, before they fill memory with waiting.
const WAITING_MAX: usize = 32;
const CHARS: std::ops::RangeInclusive<usize> = 12..=128;

/// Hashes and checks.
#[derive(Clone)]
pub(crate) struct Passwords {
    argon: Arc<Argon2<'static>>,
    turns: Arc<Semaphore>,
    room: Arc<Semaphore>,
    /// Checked when there is no account, so that both cases take the same time.
    nobody: Arc<str>,
}

impl Passwords {
    pub(crate) fn of(settings: &Settings) -> Result<Self, SettingError> {
        let text = settings.text("PASSWORD_COST", "12288,3,1");
        let wrong = || SettingError {
            variable: "PASSWORD_COST".to_owned(),
            problem: format!("is `{text}`"),
            expected: FORM.to_owned(),
        };
        let numbers: Vec<u32> = text
            .split(',')
            .map(|part| part.trim().parse().map_err(|_| wrong()))
            .collect::<Result<_, _>>()?;
        let [memory, passes, lanes] = numbers[..] else {
            return Err(wrong());
        };
        let params = Params::new(memory, passes, lanes, None).map_err(|_| wrong())?;
        let argon = Arc::new(Argon2::new(Algorithm::Argon2id, Version::V0x13, params));
        let turns = available_parallelism().map_or(2, std::num::NonZero::get) * 2;
        let nobody = hash(&argon, "the password of nobody").map_err(|_| wrong())?;
        Ok(Self {
            argon,
            turns: Arc::new(Semaphore::new(turns)),
            room: Arc::new(Semaphore::new(turns + WAITING_MAX)),
            nobody: nobody.into(),
        })
    }

    /// Refuses what is too short or too long. Length counts more than anything else that could be asked for.
    pub(crate) fn check_form(field: &str, password: &str) -> Result<(), Problem> {
        if CHARS.contains(&password.chars().count()) {
            return Ok(());
        }
        let (least, most) = (CHARS.start(), CHARS.end());
        Err(Problem::invalid(
            field,
            format!("A password has {least} to {most} characters."),
        ))
    }

    pub(crate) async fn hash(&self, password: String) -> Result<String, Problem> {
        self.work(move |argon| hash(argon, &password))
            .await?
            .map_err(Problem::internal)
    }

    /// Whether the password fits; `None` is an account that does not exist, and takes as long.
    pub(crate) async fn fits(&self, stored: Option<String>, password: String) -> Result<bool, Problem> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.as_ref().to_owned());
        let fits = self
            .work(move |argon| {
                PasswordHash::new(&stored)
                    .is_ok_and(|stored| argon.verify_password(password.as_bytes(), &stored).is_ok())
            })
            .await?;
        Ok(fits && exists)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy =
            || Problem::unavailable("Too many people are logging in at this moment. Please try again.");
        let _room = self.room.try_acquire().map_err(|_| busy())?;
        let _turn = self.turns.acquire().await.map_err(Problem::internal)?;
        let argon = Arc::clone(&self.argon);
        tokio::task::spawn_blocking(move || work(&argon))
            .await
            .map_err(Problem::internal)
    }
}

fn hash(argon: &Argon2<'_>, password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>())?;
    Ok(argon.hash_password(password.as_bytes(), &salt)?.to_string())
}
