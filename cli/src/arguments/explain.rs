//! The arguments of `cnnc explain`.

use clap::Args;
use cnnc_compiler::diagnostic::{Code, nearest};

/// Explain an error: what it means, a broken example, the mended one, and what PyTorch does.
#[derive(Debug, Args)]
pub struct Explain {
    /// The code: E302, e302 or 302; without one all codes are listed.
    #[arg(value_name = "CODE", value_parser = code)]
    pub code: Option<Code>,
}

fn code(text: &str) -> Result<Code, String> {
    let unknown = || {
        let asked = text.to_uppercase();
        let names = || Code::ALL.iter().map(|code| code.name());
        let of_its_kind = names().filter(|name| asked.get(..2) == name.get(..2));
        let near = nearest(&asked, of_its_kind).or_else(|| nearest(&asked, names()));
        let near = near.map_or_else(|| "`cnnc explain` lists all".to_owned(), |near| format!("did you mean {near}?"));
        format!("there is no such code; {near}")
    };
    Code::named(text).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_write_them() {
        assert_eq!(["E302", "e302", "302"].map(code), [Ok(Code::E302), Ok(Code::E302), Ok(Code::E302)]);
        assert!(code("E30").is_err_and(|why| why.contains("did you mean E30")));
        assert!(code("shapes").is_err_and(|why| why.contains("`cnnc explain` lists all")));
    }
}
