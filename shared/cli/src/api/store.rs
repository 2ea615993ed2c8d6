//! Where sessions are kept between commands: one file, by the address of the management API, which its owner alone reads.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use domain::{ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::fault::Fault;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// What is known of one address. Holds a secret: it has no debug form, and is wiped when dropped.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Through which connection somebody signed in last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.session.zeroize();
    }
}

/// The file, and all that it holds by address.
pub struct Store {
    folder: PathBuf,
}

type All = BTreeMap<String, Kept>;

impl Store {
    /// `$XDG_CONFIG_HOME/countersign`, or below `~/.config`.
    ///
    /// # Errors
    /// Neither variable says where.
    pub fn open(get: Get<'_>) -> Result<Self, Fault> {
        let absolute = |name: &str| get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config =
            absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        let config =
            config.ok_or_else(|| Fault::failed("nowhere to keep sessions: set HOME or XDG_CONFIG_HOME"))?;
        Ok(Self { folder: config.join("countersign") })
    }

    fn file(&self) -> PathBuf {
        self.folder.join("sessions.json")
    }

    fn fault(&self, what: &str) -> Fault {
        Fault::failed(format!("{}: {what}", self.file().display()))
    }

    /// What is kept of an address; empty where nobody signed in.
    ///
    /// # Errors
    /// The file can be read by others, or does not read.
    pub fn find(&self, admin: &str) -> Result<Kept, Fault> {
        Ok(self.read()?.remove(admin).unwrap_or_default())
    }

    fn read(&self) -> Result<All, Fault> {
        let file = self.file();
        let mode = match fs::metadata(&file) {
            Ok(found) => found.permissions().mode(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(All::new()),
            Err(_) => return Err(self.fault("cannot be read")),
        };
        if mode & 0o077 != 0 {
            return Err(
                self.fault("others can read it, so its sessions are no secret: delete it and sign in again")
            );
        }
        let mut text = fs::read_to_string(&file).map_err(|_| self.fault("cannot be read"))?;
        let all =
            serde_json::from_str(&text).map_err(|_| self.fault("is damaged: delete it and sign in again"));
        text.zeroize();
        all
    }

    /// Keeps something of an address: a new file in place of the old one, so that none is ever half written.
    ///
    /// # Errors
    /// The folder or the file cannot be written.
    pub fn keep(&self, admin: &str, kept: Kept) -> Result<(), Fault> {
        let mut all = self.read()?;
        all.insert(admin.to_owned(), kept);
        let mut text = serde_json::to_string_pretty(&all).map_err(|_| self.fault("cannot be written"))?;
        let written = self.replace(&text);
        text.zeroize();
        written.map_err(|error| self.fault(&format!("cannot be written: {error}")))
    }

    fn replace(&self, text: &str) -> std::io::Result<()> {
        own_folder(&self.folder)?;
        let new = self.folder.join(format!(".sessions.{}", std::process::id()));
        // One that a killed command left behind.
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, self.file())
    }
}

/// A folder that its owner alone looks into.
fn own_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A folder of a test's own.
    pub fn folder() -> PathBuf {
        let random: [u8; 8] = aws::random().unwrap();
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        std::env::temp_dir().join(format!("countersign-{name}"))
    }

    fn store(folder: &Path) -> Store {
        let home = folder.display().to_string();
        Store::open(&|name| (name == "XDG_CONFIG_HOME").then(|| home.clone())).ok().unwrap()
    }

    fn kept(session: &str) -> Kept {
        let mut kept = Kept::default();
        kept.session = Some(session.to_owned());
        kept
    }

    #[test]
    fn a_session_is_kept_by_address_for_its_owner_alone() {
        let folder = folder();
        let store = store(&folder);
        assert!(store.find("https://a/").ok().unwrap() == Kept::default());
        for (admin, session) in [("https://a/", "one"), ("https://b/", "two"), ("https://a/", "three")] {
            store.keep(admin, kept(session)).ok().unwrap();
        }
        assert!(store.find("https://a/").ok().unwrap() == kept("three"));
        assert!(store.find("https://b/").ok().unwrap() == kept("two"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&store.folder), mode(&store.file())), (0o700, 0o600));
        assert_eq!(fs::read_dir(&store.folder).unwrap().count(), 1, "nothing is left beside it");
        fs::set_permissions(store.file(), Permissions::from_mode(0o640)).unwrap();
        let open = store.find("https://a/").err().unwrap().to_string();
        assert!(open.contains("others can read it") && !open.contains("three"), "{open}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_damaged_file_is_said_to_be_one_and_shows_nothing() {
        let folder = folder();
        let store = store(&folder);
        store.keep("https://a/", kept("cs_ses_secret")).ok().unwrap();
        let text = fs::read_to_string(store.file()).unwrap().replace("\"session\":", "\"session\"");
        fs::write(store.file(), text).unwrap();
        let said = store.find("https://a/").err().unwrap().to_string();
        assert!(said.contains("damaged") && !said.contains("secret"), "{said}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn where_it_lies() {
        let at = |known: &[(&str, &str)]| {
            let get =
                |name: &str| known.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned());
            Store::open(&|name| get(name)).ok().map(|store| store.folder)
        };
        let wanted = |path: &str| Some(PathBuf::from(path));
        assert_eq!(at(&[("HOME", "/home/noa")]), wanted("/home/noa/.config/countersign"));
        assert_eq!(at(&[("HOME", "/home/noa"), ("XDG_CONFIG_HOME", "/c")]), wanted("/c/countersign"));
        assert_eq!(
            at(&[("HOME", "/home/noa"), ("XDG_CONFIG_HOME", "c")]),
            wanted("/home/noa/.config/countersign")
        );
        assert_eq!(at(&[]), None);
    }
}
