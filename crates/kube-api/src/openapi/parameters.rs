//! The query parameters of each kind of request.

/// A query parameter.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// `string`, `boolean` or `integer`.
    pub(super) kind: &'static str,
    pub(super) description: &'static str,
}

const fn text(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, kind: "string", description }
}

const fn flag(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, kind: "boolean", description }
}

const fn number(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, kind: "integer", description }
}

/// Understood by every request to an object.
pub(super) const PRETTY: Parameter = text("pretty", "If 'true', the answer is indented.");

const DRY_RUN: Parameter = text("dryRun", "With 'All', everything is checked and nothing is stored.");
const CONTINUE: Parameter = text("continue", "Where to go on, as the last part of a list said.");
const FIELDS: Parameter = text("fieldSelector", "Only objects whose fields match.");
const LABELS: Parameter = text("labelSelector", "Only objects whose labels match.");
const LIMIT: Parameter = number("limit", "At most this many objects; the answer says where to go on.");
const VERSION: Parameter = text("resourceVersion", "As of, or after, this version; 0 for whatever is at hand.");
const MATCH: Parameter = text("resourceVersionMatch", "How resourceVersion is meant: Exact or NotOlderThan.");
const INITIAL: Parameter = flag("sendInitialEvents", "Whether a watch begins with the objects that exist.");
const TIMEOUT: Parameter = number("timeoutSeconds", "When to end a list or watch.");

/// Of lists and watches.
pub(super) const LIST: &[Parameter] = &[
    flag("allowWatchBookmarks", "Whether a watch may send bookmarks."),
    CONTINUE,
    FIELDS,
    LABELS,
    LIMIT,
    VERSION,
    MATCH,
    INITIAL,
    TIMEOUT,
    flag("watch", "Watch for changes instead of listing."),
];

/// Of the deletion of a collection, beside those of any deletion.
pub(super) const DELETE_COLLECTION: &[Parameter] = &[CONTINUE, FIELDS, LABELS, LIMIT, VERSION, MATCH, INITIAL, TIMEOUT];

/// Of deletions.
pub(super) const DELETE: &[Parameter] = &[
    DRY_RUN,
    number("gracePeriodSeconds", "How long the object has to end; 0 for at once."),
    flag("ignoreStoreReadErrorWithClusterBreakingPotential", "Delete even what cannot be read any more."),
    flag("orphanDependents", "Deprecated: whether dependents stay; use propagationPolicy."),
    text("propagationPolicy", "What becomes of dependents: Orphan, Background or Foreground."),
];

/// Of creations, replacements and patches.
pub(super) const WRITE: &[Parameter] = &[
    DRY_RUN,
    text("fieldManager", "Who makes the change."),
    text("fieldValidation", "What to do about unknown and duplicate fields: Ignore, Warn or Strict."),
];

/// Of patches, beside those of any write.
pub(super) const PATCH: &[Parameter] = &[flag("force", "Whether apply takes over fields of other managers.")];

const CONTAINER: Parameter = text("container", "The container, if the pod has several.");

/// Of logs.
pub(super) const LOG: &[Parameter] = &[
    CONTAINER,
    flag("follow", "Go on as more is written."),
    flag("insecureSkipTLSVerifyBackend", "Do not verify the kubelet's certificate."),
    number("limitBytes", "At most this many bytes."),
    flag("previous", "Of the container before its last restart."),
    number("sinceSeconds", "Only what is younger than this."),
    text("stream", "Which stream: All, Stdout or Stderr."),
    number("tailLines", "Only this many last lines."),
    flag("timestamps", "Begin each line with its time."),
];

const STREAMS: &[Parameter] = &[
    CONTAINER,
    flag("stderr", "Whether standard error is sent."),
    flag("stdin", "Whether standard input is read."),
    flag("stdout", "Whether standard output is sent."),
    flag("tty", "Whether there is a terminal."),
];

const EXEC: &[Parameter] = &[
    text("command", "The command, without a shell; repeated for its arguments."),
    CONTAINER,
    flag("stderr", "Whether standard error is sent."),
    flag("stdin", "Whether standard input is read."),
    flag("stdout", "Whether standard output is sent."),
    flag("tty", "Whether there is a terminal."),
];

const PORT_FORWARD: &[Parameter] = &[number("ports", "The ports to forward.")];

const PROXY: &[Parameter] = &[text("path", "The path to ask for.")];

/// Of the subresources that connect to something.
pub(super) fn connect(subresource: &str) -> &'static [Parameter] {
    match subresource {
        "exec" => EXEC,
        "attach" => STREAMS,
        "portforward" => PORT_FORWARD,
        _ => PROXY,
    }
}
