//! The table: what bubblewrap's own tests cover, asked of both programs in their own words.
//!
//! A case is two scripts of `sh`, run by the test user, and what both print. `$A` is `arkose run` in
//! one way of building a sandbox, `$B` is `bwrap` with what comes nearest to Arkose's defaults, and
//! `$W` is a directory of the user's with `dir/file`, which says “outside”, and an empty `empty`.

/// One behaviour.
pub(crate) struct Case {
    /// In a few words, for the list.
    pub(crate) what: &'static str,
    pub(crate) arkose: &'static str,
    pub(crate) bwrap: &'static str,
    pub(crate) seen: Seen,
    /// An option that not every bwrap has.
    pub(crate) needs: Option<&'static str>,
}

/// What the scripts print.
pub(crate) enum Seen {
    Same(&'static str),
    Differs { arkose: &'static str, bwrap: &'static str, why: &'static str },
}

const fn same(
    what: &'static str,
    arkose: &'static str,
    bwrap: &'static str,
    seen: &'static str,
) -> Case {
    Case { what, arkose, bwrap, seen: Seen::Same(seen), needs: None }
}

const fn differs(
    what: &'static str,
    (arkose, there): (&'static str, &'static str),
    (bwrap, at_the_peer): (&'static str, &'static str),
    why: &'static str,
) -> Case {
    Case {
        what,
        arkose,
        bwrap,
        seen: Seen::Differs { arkose: there, bwrap: at_the_peer, why },
        needs: None,
    }
}

const fn since(option: &'static str, case: Case) -> Case {
    Case { needs: Some(option), ..case }
}

/// The chapters, and the cases of each.
pub(crate) const CHAPTERS: &[(&str, &[Case])] = &[
    ("Files", FILES),
    ("Rights", RIGHTS),
    ("Namespaces", NAMESPACES),
    ("The command", COMMAND),
    ("The environment", ENVIRONMENT),
    ("Ends", ENDS),
];

const FILES: &[Case] = &[
    same(
        "a directory is bound, and written through",
        "$A --bind $W/dir -- sh -c 'cat $0/file; echo inside >$0/new' $W/dir; cat $W/dir/new",
        "$B --bind $W/dir $W/dir -- sh -c 'cat $0/file; echo inside >$0/new' $W/dir; cat $W/dir/new",
        "outside\ninside",
    ),
    same(
        "a file is bound, and written through",
        "$A --bind $W/dir/file -- sh -c 'cat $0; echo inside >$0' $W/dir/file; cat $W/dir/file",
        "$B --bind $W/dir/file $W/dir/file -- sh -c 'cat $0; echo inside >$0' $W/dir/file; cat $W/dir/file",
        "outside\ninside",
    ),
    same(
        "a directory is bound read-only",
        "$A --bind-read-only $W/dir -- sh -c 'cat $0/file; (echo x >$0/file) 2>&- || echo refused' $W/dir",
        "$B --ro-bind $W/dir $W/dir -- sh -c 'cat $0/file; (echo x >$0/file) 2>&- || echo refused' $W/dir",
        "outside\nrefused",
    ),
    same(
        "a bind of a link to a directory shows what it leads to",
        "ln -s dir $W/link; $A --bind $W/link -- cat $W/link/file",
        "ln -s dir $W/link; $B --bind $W/link $W/link -- cat $W/link/file",
        "outside",
    ),
    same(
        "what the user may not read is bound in vain",
        "$A --bind /etc/shadow -- cat /etc/shadow 2>&-; echo end",
        "$B --bind /etc/shadow /etc/shadow -- cat /etc/shadow 2>&-; echo end",
        "end",
    ),
    same(
        "a directory that the user may not enter is not opened by a bind",
        "$A --bind /root/.bashrc -- cat /root/.bashrc 2>&-; echo end",
        "$B --bind /root/.bashrc /tmp/here -- cat /tmp/here 2>&-; echo end",
        "end",
    ),
    differs(
        "a bind of what is not there",
        ("$A --bind $W/missing -- true 2>&-; echo $?", "125"),
        ("$B --bind $W/missing $W/missing -- true 2>&-; echo $?", "1"),
        "A status of Arkose's own is never one that a command is likely to have.",
    ),
    differs(
        "a bind that may be missing",
        ("$A --bind $W/missing -- echo launched 2>&-", ""),
        ("$B --bind-try $W/missing $W/missing -- echo launched 2>&-", "launched"),
        "A grant is what a person wrote down; one that leads nowhere is a mistake, and is told.",
    ),
    differs(
        "a bind in another place",
        ("$A --bind $W/dir:/tmp/here -- cat /tmp/here/file 2>&-", ""),
        ("$B --bind $W/dir /tmp/here -- cat /tmp/here/file", "outside"),
        "What a profile grants keeps its name, so that it can be read at a glance.",
    ),
    differs(
        "the place of a bind is made where there is none",
        ("$A --bind $W/dir -- true; ls $W", "dir\nempty"),
        ("$B --bind $W $W --bind $W/dir $W/new -- true; ls $W", "dir\nempty\nnew"),
        "A launch leaves the host's directories as they were.",
    ),
    same(
        "an empty directory stands in a place",
        "$A --bind $W --restrict $W/dir -- ls -A $W/dir; cat $W/dir/file",
        "$B --bind $W $W --tmpfs $W/dir -- ls -A $W/dir; cat $W/dir/file",
        "outside",
    ),
    same(
        "the temporary directory is empty and can be written",
        "$A -- sh -c 'ls -A /tmp; echo x >/tmp/x && stat -c %a /tmp/x'",
        "$B -- sh -c 'ls -A /tmp; echo x >/tmp/x && stat -c %a /tmp/x'",
        "644",
    ),
    same(
        "nothing shows of how the tree was built",
        "$A -- sh -c 'ls -d /oldroot /newroot /tmp/oldroot /tmp/newroot 2>&-'; echo end",
        "$B -- sh -c 'ls -d /oldroot /newroot /tmp/oldroot /tmp/newroot 2>&-'; echo end",
        "end",
    ),
    same(
        "a read-only system cannot be written",
        "$A --root read-only -- sh -c '(echo x >/usr/x) 2>&- || echo refused'",
        "$B -- sh -c '(echo x >/usr/x) 2>&- || echo refused'",
        "refused",
    ),
    since(
        "--tmp-overlay",
        same(
            "what is written to a copy is dropped",
            "$A --cow $W/dir -- sh -c 'echo inside >$0/file; cat $0/file' $W/dir; cat $W/dir/file",
            "$B --overlay-src $W/dir --tmp-overlay $W/dir -- sh -c 'echo inside >$0/file; cat $0/file' $W/dir; cat $W/dir/file",
            "inside\noutside",
        ),
    ),
    since(
        "--tmp-overlay",
        same(
            "what is removed from a copy stays",
            "$A --cow $W/dir -- sh -c 'rm $0/file; ls $0' $W/dir; cat $W/dir/file",
            "$B --overlay-src $W/dir --tmp-overlay $W/dir -- sh -c 'rm $0/file; ls $0' $W/dir; cat $W/dir/file",
            "outside",
        ),
    ),
    since(
        "--size",
        same(
            "what can be written is bounded",
            "$A --cow-size 16M -- sh -c 'head -c 64M /dev/zero >/tmp/x 2>&- || echo full'",
            "bwrap --ro-bind / / --dev /dev --unshare-all --size 16777216 --tmpfs /tmp sh -c 'head -c 64M /dev/zero >/tmp/x 2>&- || echo full'",
            "full",
        ),
    ),
    same(
        "the nodes that every program expects are there",
        "$A -- sh -c 'cd /dev; ls -d stdin stdout stderr null zero full random urandom tty fd ptmx shm pts | wc -l'",
        "$B -- sh -c 'cd /dev; ls -d stdin stdout stderr null zero full random urandom tty fd ptmx shm pts | wc -l'",
        "13",
    ),
    same(
        "the host's other nodes are not there",
        "$A -- sh -c 'ls -d /dev/fuse /dev/kvm /dev/loop* /dev/mem /dev/net 2>&-'; echo end",
        "$B -- sh -c 'ls -d /dev/fuse /dev/kvm /dev/loop* /dev/mem /dev/net 2>&-'; echo end",
        "end",
    ),
    same(
        "a device is granted by its path",
        "$A --device /dev/fuse -- sh -c 'test -c /dev/fuse && echo there'",
        "$B --dev-bind /dev/fuse /dev/fuse -- sh -c 'test -c /dev/fuse && echo there'",
        "there",
    ),
];

const RIGHTS: &[Case] = &[
    same(
        "no capability is left, and none can be gained",
        "$A -- grep -E '^(Cap|NoNew)' /proc/self/status | tr -d '\\t'",
        "$B -- grep -E '^(Cap|NoNew)' /proc/self/status | tr -d '\\t'",
        "CapInh:0000000000000000\nCapPrm:0000000000000000\nCapEff:0000000000000000\nCapBnd:0000000000000000\nCapAmb:0000000000000000\nNoNewPrivs:1",
    ),
    same("the user is the user", "$A -- id -un", "$B -- id -un", "arkose-test"),
    same("the app is root inside", "$A --runas root -- id -u", "$B --uid 0 --gid 0 -- id -u", "0"),
    differs(
        "root inside has capabilities",
        (
            "$A --runas root -- sh -c 'grep -q CapEff:.0000000000000000 /proc/self/status || echo some'",
            "some",
        ),
        (
            "$B --uid 0 --gid 0 -- sh -c 'grep -q CapEff:.0000000000000000 /proc/self/status || echo some'",
            "",
        ),
        "Root inside is there to install software. It has what containers have, over the sandbox alone; at bwrap each is added by `--cap-add`.",
    ),
    differs(
        "a filter of system calls is there by itself",
        ("$A -- sed -n 's/^Seccomp:.//p' /proc/self/status", "2"),
        ("$B -- sed -n 's/^Seccomp:.//p' /proc/self/status", "0"),
        "bwrap takes a filter from who calls it (`--seccomp`). Arkose has one, and profiles can only add to it.",
    ),
    same(
        "a sandbox cannot make user namespaces",
        "$A -- unshare --user true 2>&- || echo refused",
        "$B --unshare-user --disable-userns -- unshare --user true 2>&- || echo refused",
        "refused",
    ),
    same(
        "where it is granted a sandbox holds another",
        "$A --user-namespaces -- bwrap --unshare-all --ro-bind / / echo nested",
        "$B -- bwrap --unshare-all --ro-bind / / echo nested",
        "nested",
    ),
];

const NAMESPACES: &[Case] = &[
    same(
        "namespaces are its own",
        "for n in cgroup ipc mnt net pid uts; do test $(readlink /proc/self/ns/$n) != $($A -- readlink /proc/self/ns/$n) && echo $n; done",
        "for n in cgroup ipc mnt net pid uts; do test $(readlink /proc/self/ns/$n) != $($B -- readlink /proc/self/ns/$n) && echo $n; done",
        "cgroup\nipc\nmnt\nnet\npid\nuts",
    ),
    same(
        "the host's network is shared where that is granted",
        "test $(readlink /proc/self/ns/net) = $($A --network direct -- readlink /proc/self/ns/net) && echo shared",
        "test $(readlink /proc/self/ns/net) = $($B --share-net -- readlink /proc/self/ns/net) && echo shared",
        "shared",
    ),
    same(
        "without a network there is loopback, and it is up",
        "$A -- sh -c 'ip -o link | cut -d: -f2; ip -o addr | grep -c 127.0.0.1'",
        "$B -- sh -c 'ip -o link | cut -d: -f2; ip -o addr | grep -c 127.0.0.1'",
        " lo\n1",
    ),
    same(
        "the host is called otherwise",
        "$A --hostname elsewhere -- hostname",
        "$B --hostname elsewhere -- hostname",
        "elsewhere",
    ),
    same(
        "the host's processes are not seen",
        "test $($A -- sh -c 'ls -d /proc/[0-9]*' | wc -l) -lt 5 && echo few",
        "test $($B -- sh -c 'ls -d /proc/[0-9]*' | wc -l) -lt 5 && echo few",
        "few",
    ),
    differs(
        "the command is the first process",
        ("$A -- sh -c 'test $$ = 1 && echo first || echo later'", "later"),
        ("$B --as-pid-1 -- sh -c 'test $$ = 1 && echo first || echo later'", "first"),
        "The first process has to reap, and few programs do. Arkose's own always stays.",
    ),
    differs(
        "the machine has an id of its own",
        (
            "test $($A -- cat /etc/machine-id) = $(cat /etc/machine-id) && echo same || echo other",
            "other",
        ),
        (
            "test $($B -- cat /etc/machine-id) = $(cat /etc/machine-id) && echo same || echo other",
            "same",
        ),
        "By the id an app could tell that two sandboxes are of one machine.",
    ),
];

const COMMAND: &[Case] = &[
    same(
        "the status is the command's",
        "$A -- sh -c 'exit 42'; echo $?",
        "$B -- sh -c 'exit 42'; echo $?",
        "42",
    ),
    same(
        "a signal is told as 128 and its number",
        "$A -- sh -c 'kill -KILL $$'; echo $?",
        "$B -- sh -c 'kill -KILL $$'; echo $?",
        "137",
    ),
    differs(
        "a command that is not there",
        ("$A -- no-such-command 2>&-; echo $?", "127"),
        ("$B -- no-such-command 2>&-; echo $?", "1"),
        "As a shell tells it.",
    ),
    differs(
        "a command that cannot be executed",
        ("$A -- /usr 2>&-; echo $?", "126"),
        ("$B -- /usr 2>&-; echo $?", "1"),
        "As a shell tells it.",
    ),
    same(
        "the status is told over a descriptor as well",
        "$A --events 9 -- sh -c 'exit 42' 9>$W/told; grep -o '[^0-9]42[^0-9]' $W/told | tr -dc '0-9'",
        "$B --json-status-fd 9 -- sh -c 'exit 42' 9>$W/told; grep -o '[^0-9]42[^0-9]' $W/told | tr -dc '0-9'",
        "42",
    ),
    same(
        "what follows two dashes is a command",
        "$A -- --dev-bind /dev /dev sh -c 'echo it ran' 2>&-",
        "$B -- --dev-bind /dev /dev sh -c 'echo it ran' 2>&-",
        "",
    ),
    same(
        "a command may begin with a dash",
        "printf '#!/bin/sh\\necho hello\\n' >$W/dir/--command; chmod +x $W/dir/--command; $A --bind $W/dir --env PATH=$W/dir:/bin -- --command",
        "printf '#!/bin/sh\\necho hello\\n' >$W/dir/--command; chmod +x $W/dir/--command; $B --setenv PATH $W/dir:/bin -- --command",
        "hello",
    ),
    same(
        "it starts where it is told",
        "$A --chdir /usr/share -- pwd",
        "$B --chdir /usr/share -- pwd",
        "/usr/share",
    ),
    same(
        "it starts where the caller is, if that is inside",
        "cd /usr/lib; $A -- pwd",
        "cd /usr/lib; $B -- pwd",
        "/usr/lib",
    ),
    differs(
        "it is told to start where nothing is",
        ("$A --chdir /no/such -- sh -c 'test $PWD = $HOME && echo at home'", "at home"),
        ("$B --chdir /no/such -- echo launched 2>&-; echo $?", "1"),
        "A profile may name a directory that is not there on this day.",
    ),
    differs(
        "descriptors of the caller",
        ("$A -- sh -c 'test -e /proc/self/fd/7 && echo open || echo closed' 7</", "closed"),
        ("$B -- sh -c 'test -e /proc/self/fd/7 && echo open || echo closed' 7</", "open"),
        "A directory among them would be a way out.",
    ),
    differs(
        "a directory as standard input",
        ("$A -- ls /proc/self/fd/0/ </usr 2>&- | grep -c '^bin$'", "0"),
        ("$B -- ls /proc/self/fd/0/ </usr 2>&- | grep -c '^bin$'", "1"),
        "As above.",
    ),
    same(
        "the app is not in the caller's session",
        "$A -- python3 -c 'import os; print(os.getsid(0) != 0)'",
        "$B --new-session -- python3 -c 'import os; print(os.getsid(0) != 0)'",
        "True",
    ),
];

const ENVIRONMENT: &[Case] = &[
    same(
        "a variable is set",
        "GIVEN=wrong $A --env GIVEN=right -- sh -c 'echo $GIVEN'",
        "GIVEN=wrong $B --setenv GIVEN right -- sh -c 'echo $GIVEN'",
        "right",
    ),
    differs(
        "a variable of the caller",
        ("GIVEN=right $A -- sh -c 'echo ${GIVEN-unset}'", "unset"),
        ("GIVEN=right $B -- sh -c 'echo ${GIVEN-unset}'", "right"),
        "The environment is built from nothing; secrets are often in it. `--env GIVEN` passes one.",
    ),
    same(
        "a variable of the caller that is asked for",
        "GIVEN=right $A --env GIVEN -- sh -c 'echo ${GIVEN-unset}'",
        "GIVEN=right $B -- sh -c 'echo ${GIVEN-unset}'",
        "right",
    ),
    differs(
        "what is there when nothing is passed",
        ("$A -- env | grep -cE '^(HOME|PATH|USER|XDG_RUNTIME_DIR)='", "4"),
        ("$B --clearenv -- /usr/bin/env | grep -cE '^(HOME|PATH|USER|XDG_RUNTIME_DIR)='", "0"),
        "Programs for a desktop do not start without these.",
    ),
];

const ENDS: &[Case] = &[
    same(
        "all ends with what started it",
        "mkfifo $W/held; $A -- sh -c 'echo ready; exec sleep 600' >$W/held & exec 3<$W/held; read ready <&3; kill -KILL $!; timeout 10 cat <&3 && echo ended",
        "mkfifo $W/held; $B -- sh -c 'echo ready; exec sleep 600' >$W/held & exec 3<$W/held; read ready <&3; kill -KILL $!; timeout 10 cat <&3 && echo ended",
        "ended",
    ),
    same(
        "what fled into the background ends with the command",
        "mkfifo $W/held; $A -- sh -c 'setsid sleep 600 & exit 0' >$W/held & exec 3<$W/held; timeout 10 cat <&3 && echo ended",
        "mkfifo $W/held; $B -- sh -c 'setsid sleep 600 & exit 0' >$W/held & exec 3<$W/held; timeout 10 cat <&3 && echo ended",
        "ended",
    ),
    differs(
        "it is told to end",
        (
            "mkfifo $W/said; $A -- sh -c 'trap \"echo got it; exit 7\" TERM; echo ready; sleep 600 & wait' >$W/said & exec 3<$W/said; read ready <&3; kill -TERM $!; wait $!; echo $?; cat <&3",
            "7\ngot it",
        ),
        (
            "mkfifo $W/said; $B -- sh -c 'trap \"echo got it; exit 7\" TERM; echo ready; sleep 600 & wait' >$W/said & exec 3<$W/said; read ready <&3; kill -TERM $!; wait $! 2>&-; echo $?; cat <&3",
            "143",
        ),
        "Arkose forwards it, so that an app can save what it holds.",
    ),
];

/// Options of bwrap for which Arkose has none, and why.
pub(crate) const NOT_OFFERED: &[(&str, &str)] = &[
    ("--args", "Options are words of the command line, or a profile."),
    ("--argv0", "A command is called as it is."),
    ("--as-pid-1", "The first process has to reap."),
    ("--bind-data", "Files that only a sandbox has come from what Arkose grants."),
    ("--block-fd", "Nothing is set up by others between building and starting."),
    ("--cap-add", "Rights come with `--runas root`, all or none."),
    ("--chmod", "The tree of a sandbox is not written by hand."),
    ("--dir", "The tree of a sandbox is not written by hand."),
    ("--exec-label", "Labels of SELinux are not set."),
    ("--file", "Files that only a sandbox has come from what Arkose grants."),
    ("--gid", "The app is the user, or root inside."),
    ("--lock-file", "Nothing has to be kept from a cleaner: Arkose waits for the end."),
    ("--mqueue", "Message queues have no directory inside."),
    ("--perms", "The tree of a sandbox is not written by hand."),
    ("--pidns", "A sandbox is entered through its own first process, and not by its namespaces."),
    ("--remount-ro", "A grant is read-only or not when it is made."),
    ("--ro-bind-data", "Files that only a sandbox has come from what Arkose grants."),
    ("--seccomp", "The filter is Arkose's own."),
    ("--symlink", "The tree of a sandbox is not written by hand."),
    ("--sync-fd", "The end of `arkose` is the end of the sandbox."),
    ("--uid", "The app is the user, or root inside."),
    ("--userns", "Namespaces are Arkose's own."),
];
