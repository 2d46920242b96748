//! Values of an ONNX file that lie in files beside it: where they are comes in, their bytes go out when somebody asks for them.
//!
//! A file may name any place. One outside of its own folder is refused, and bytes that are not there are told before anything is
//! read.

use super::model;
use bytes::Bytes;

/// Files beside an ONNX file, which hold values of large tensors.
pub trait ExternalData {
    /// The bytes of a file whose name has no way out of its folder; to its end where no length is given.
    ///
    /// # Errors
    /// Why they cannot be had, in the end of a sentence.
    fn read(&self, location: &str, offset: u64, length: u64) -> Result<Bytes, String>;

    /// How many bytes it has.
    ///
    /// # Errors
    /// As [`ExternalData::read`].
    fn length(&self, location: &str) -> Result<u64, String>;
}

/// No file beside it.
pub struct NoExternalData;

impl ExternalData for NoExternalData {
    fn read(&self, location: &str, _: u64, _: u64) -> Result<Bytes, String> {
        Err(format!("`{location}` is not there"))
    }

    fn length(&self, location: &str) -> Result<u64, String> {
        Err(format!("`{location}` is not there"))
    }
}

/// Where a tensor's values lie in another file.
#[derive(Debug)]
pub struct External {
    location: String,
    offset: u64,
    length: u64,
}

impl External {
    /// Those `bytes` bytes that a tensor says; the file must be in the folder of the first.
    ///
    /// # Errors
    /// What is wrong with the place, in the end of a sentence.
    pub fn of(tensor: &model::Tensor, bytes: u64, files: &dyn ExternalData) -> Result<External, String> {
        let entry =
            |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
        let location = entry("location").ok_or("lies in another file, and does not say in which")?;
        let number = |key: &str| entry(key).map_or(Ok(None), |text| text.trim().parse::<u64>().map(Some));
        let (Ok(offset), Ok(length)) = (number("offset"), number("length")) else {
            return Err(format!("lies in `{location}`, and it is no number where"));
        };
        let leaves = location.starts_with(['/', '\\']) || location.contains(':');
        if location.is_empty() || leaves || location.split(['/', '\\']).any(|part| part == ".." || part.is_empty()) {
            return Err(format!("lies in `{location}`, which is outside of the file's own folder"));
        }
        let offset = offset.unwrap_or(0);
        if length.is_some_and(|length| length != bytes) {
            return Err(format!("takes {bytes} bytes, and `{location}` is said to have {} of it", length.unwrap_or(0)));
        }
        let there = files.length(location)?;
        if offset.checked_add(bytes).is_none_or(|end| end > there) {
            return Err(format!("ends behind the end of `{location}`, which has {there} bytes"));
        }
        Ok(External { location: location.to_owned(), offset, length: bytes })
    }

    /// All of them.
    ///
    /// # Errors
    /// Why they cannot be had, in the end of a sentence.
    pub fn whole(&self, files: &dyn ExternalData) -> Result<Bytes, String> {
        self.part(files, 0, self.length)
    }

    /// `length` of them, from `first` on.
    ///
    /// # Errors
    /// As [`External::whole`].
    pub fn part(&self, files: &dyn ExternalData, first: u64, length: u64) -> Result<Bytes, String> {
        let bytes = files.read(&self.location, self.offset + first, length)?;
        match bytes.len() as u64 == length {
            true => Ok(bytes),
            false => Err(format!("`{}` has become shorter", self.location)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beside_the_file_stay_in_its_folder() {
        let entry = |key: &str, value: &str| model::Entry { key: key.into(), value: value.into() };
        for (location, wanted) in [
            ("../weights", "outside"),
            ("/etc/passwd", "outside"),
            ("a/../../b", "outside"),
            ("", "outside"),
            ("weights", "is not there"),
        ] {
            let tensor = model::Tensor {
                data_type: 1,
                dims: vec![1],
                data_location: 1,
                external_data: vec![entry("location", location)],
                ..Default::default()
            };
            let refused = External::of(&tensor, 4, &NoExternalData).unwrap_err();
            assert!(refused.contains(wanted), "{location}: {refused}");
        }
    }
}
