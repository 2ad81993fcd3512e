//! What root's rights are good for is over when the interfaces are open: a run that root started becomes another
//! user, and keeps only CAP_NET_RAW, with which an interface that comes back is opened again (capabilities(7)).

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities, set_no_new_privs,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

const KEPT: CapabilitySet = CapabilitySet::NET_RAW;

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

/// Gives root's rights up; returns whom the process became, where it was root. Without a name that is nobody, or the
/// owner of the folder that the first of `outputs` is in. To be called before there is another thread: rights are each
/// thread's own.
pub(super) fn give_up(name: Option<&str>, outputs: &[&Path]) -> Result<Option<String>, String> {
    if !geteuid().is_root() {
        return match name {
            Some(_) => Err("--user is for a run that root starts".to_owned()),
            None => Ok(None),
        };
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = match (name, outputs.first()) {
        (Some(name), _) => {
            find(&users, name).ok_or_else(|| format!("there is no user {name} in /etc/passwd"))?
        }
        (None, Some(output)) => owner(&users, output)
            .map_err(|error| format!("cannot see whose folder {} is in: {error}", output.display()))?,
        (None, None) => find(&users, "nobody").unwrap_or_else(|| numbered(&users, 65_534, 65_534)),
    };
    become_user(&user)
        .map_err(|error| format!("cannot give up root's rights and become {}: {error}", user.name))?;
    Ok(Some(user.name))
}

fn become_user(user: &User) -> rustix::io::Result<()> {
    for capability in CapabilitySet::all().iter().filter(|capability| *capability != KEPT) {
        // A kernel knows fewer of them.
        if capability_is_in_bounding_set(capability) == Ok(true) {
            remove_capability_from_bounding_set(capability)?;
        }
    }
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    set_keep_capabilities(true)?;
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    let kept = KEPT & capabilities(None)?.permitted;
    set_capabilities(
        None,
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() },
    )?;
    set_no_new_privs(true)
}

/// The user with this name or number (passwd(5)); a number may have no name.
fn find(users: &str, name: &str) -> Option<User> {
    let named = entries(users).find(|user| user.name == name);
    named.or_else(|| name.parse().ok().map(|uid| numbered(users, uid, uid)))
}

fn numbered(users: &str, uid: u32, gid: u32) -> User {
    entries(users).find(|user| user.uid == uid).unwrap_or_else(|| User { name: uid.to_string(), uid, gid })
}

fn entries(users: &str) -> impl Iterator<Item = User> + '_ {
    users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(User { name, uid, gid })
    })
}

/// Who owns the nearest folder above `path` that is there.
fn owner(users: &str, path: &Path) -> std::io::Result<User> {
    let above = path
        .ancestors()
        .skip(1)
        .map(|above| if above.as_os_str() == OsStr::new("") { Path::new(".") } else { above });
    let there = above.filter(|above| above.exists()).find_map(|above| above.metadata().ok());
    let folder = there.map_or_else(|| Path::new("/").metadata(), Ok)?;
    Ok(numbered(users, folder.uid(), folder.gid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str =
        "root:x:0:0:root:/root:/bin/bash\nbroken:x\nnobody:x:65534:65534::/:/bin/false\na:x:7:8::/:\n";

    fn user(name: &str, uid: u32, gid: u32) -> User {
        User { name: name.to_owned(), uid, gid }
    }

    #[test]
    fn users_are_found_by_name_and_by_number() {
        assert_eq!(find(USERS, "nobody"), Some(user("nobody", 65_534, 65_534)));
        assert_eq!(find(USERS, "7"), Some(user("a", 7, 8)));
        assert_eq!(find(USERS, "4711"), Some(user("4711", 4711, 4711)));
        assert_eq!((find(USERS, "broken"), find(USERS, "")), (None, None));
    }

    #[test]
    fn files_are_written_as_the_owner_of_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let uid = folder.path().metadata().unwrap().uid();
        assert_eq!(owner(USERS, &folder.path().join("not/there/yet")).unwrap().uid, uid);
        assert_eq!(
            owner(USERS, Path::new("relative")).unwrap().uid,
            Path::new(".").metadata().unwrap().uid()
        );
        assert_eq!(owner(USERS, Path::new("/")).unwrap(), user("root", 0, 0));
    }
}
