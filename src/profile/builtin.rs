//! The profiles that the program carries, and how one is found.

use std::io::ErrorKind::NotFound;
use std::path::Path;

use super::mistakes::nearest_or_all;
use super::{Profile, ProfileError, read_text};
use crate::text::visible;

/// Identifier and text of each; a new one is a new file and a line here.
const BUILTIN: [(&str, &str); 2] = [
    (Profile::DEFAULT, include_str!("builtin/forticlient.toml")),
    ("forticlient-6.0", include_str!("builtin/forticlient-6.0.toml")),
];

impl Profile {
    /// The profile that is used where none is named.
    pub const DEFAULT: &str = "forticlient";

    /// The built-in profile with this identifier.
    pub fn builtin(id: &str) -> Option<Profile> {
        let (id, text) = BUILTIN.iter().find(|(own, _)| *own == id)?;
        Profile::parse(id, text).ok()
    }

    /// Every built-in profile, the default first.
    pub fn builtins() -> Vec<Profile> {
        BUILTIN.iter().filter_map(|(id, _)| Profile::builtin(id)).collect()
    }

    /// The built-in profile with this identifier, else the one in this file.
    pub fn resolve(id_or_path: &str) -> Result<Profile, ProfileError> {
        if let Some(profile) = Profile::builtin(id_or_path) {
            return Ok(profile);
        }
        match read_text(Path::new(id_or_path)) {
            Ok(text) => Profile::parse(id_or_path, &text),
            Err(ProfileError::Read { source, .. }) if source.kind() == NotFound && is_word(id_or_path) => {
                let name = visible(id_or_path).into_owned();
                Err(ProfileError::Unknown { name, hint: nearest_or_all(id_or_path, BUILTIN.iter().map(|(id, _)| *id)) })
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether it was meant as an identifier rather than as a path.
fn is_word(id_or_path: &str) -> bool {
    !id_or_path.contains(['/', '\\']) && !id_or_path.ends_with(".toml")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::BUILTIN;
    use crate::profile::{Profile, ProfileError};

    #[test]
    fn every_builtin_is_sound_and_bears_its_name() {
        for (id, text) in BUILTIN {
            let profile = Profile::parse(id, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(profile.id, id);
            assert_eq!(profile.services.len(), 12, "{id}");
            assert!(profile.services.iter().all(|service| !service.roles.is_empty()), "{id}");
        }
        assert_eq!(Profile::builtins().len(), BUILTIN.len());
    }

    #[test]
    fn a_word_is_a_builtin_or_unknown() {
        assert_eq!(Profile::resolve("forticlient").unwrap().id, "forticlient");
        let error = Profile::resolve("forticlent").unwrap_err().to_string();
        assert_eq!(error, "no built-in profile and no file is called `forticlent`; did you mean `forticlient`?");
        let error = Profile::resolve("other").unwrap_err().to_string();
        assert_eq!(
            error,
            "no built-in profile and no file is called `other`; expected one of `forticlient`, `forticlient-6.0`"
        );
    }

    #[test]
    fn a_path_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let name = path.to_str().unwrap();
        assert!(matches!(Profile::resolve(name), Err(ProfileError::Read { .. })));
        fs::write(&path, BUILTIN[0].1).unwrap();
        assert_eq!(Profile::resolve(name).unwrap(), Profile::builtin("forticlient").unwrap());
        fs::write(&path, b"id = 1\n# \xff").unwrap();
        let error = Profile::resolve(name).unwrap_err().to_string();
        assert!(error.ends_with("is not UTF-8 text: byte 9 (line 2) is part of no character"), "{error}");
        fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
        assert!(matches!(Profile::resolve(name), Err(ProfileError::TooLarge { .. })));
        assert!(matches!(Profile::resolve(folder.path().to_str().unwrap()), Err(ProfileError::Read { .. })));
    }
}
